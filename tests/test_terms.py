"""One term for one thing: words that pages, letters and criteria do not use, and what they say instead.

Two words for one thing read as two things. Whoever misses a word here adds it with its reason; the words
that are used stand in ``docs/glossary.md``.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent
DATA = "casework/programs/data"


class Term(NamedTuple):
    """A pattern that may not occur, what is said instead, and why."""

    never: str
    instead: str
    because: str
    in_programs: bool = True
    """False where a criterion may use the word of something else, such as the factory's own receipts."""


THAI = (
    Term("แสดงข้อคิดเห็น", "แสดงความคิดเห็น", "ข้อคิดเห็น is a single statement, not the act"),
    Term("ส่งข้อคิดเห็น", "ส่งความคิดเห็น", "as above; it is the button's word"),
    Term("รับฟังข้อคิดเห็น", "รับฟังความคิดเห็น", "the law's word for the process"),
    Term("ให้ข้อคิดเห็น", "แสดงความคิดเห็น", "one word for what the community does"),
    Term("ระยะเวลารับฟัง", "ช่วงรับฟังความคิดเห็น", "one word for the feedback period"),
    Term("ข้อคิดเห็นทุกข้อ", "ข้อคิดเห็นทุกรายการ", "ข้อ is a point, and one author may make many"),
    Term("ข้อคิดเห็น[^ก-ฮ]*รอคำตอบ [^ก-ฮ]*ข้อ", "ที่รอคำตอบ … รายการ", "as above"),
    Term("เลขที่เรื่อง", "เลขที่คำขอ", "it stands under ติดตามคำขอ"),
    Term("เลขรับเรื่อง", "เลขที่รับความคิดเห็น", "one word for a receipt's number", in_programs=False),
    Term("เลขที่รับ(?!ความคิดเห็น)", "เลขที่รับความคิดเห็น", "as above", in_programs=False),
    Term("ควรได้รับการรับรองหรือไม่", "ท่านเห็นด้วยกับการให้การรับรองหรือไม่", "เห็นด้วย must answer it"),
    Term("พักใช้", "พักการรับรอง", "a license is พักใช้; a certification is not"),
    Term("ตัดสิน(?!ใจ)", "พิจารณาให้การรับรอง", "ตัดสิน is a court's or a contest's word"),
    Term("ผู้ตัดสิน", "ผู้มีอำนาจพิจารณาให้การรับรอง", "one word for the decision maker"),
    Term("ผู้มีอำนาจ(?!พิจารณาให้การรับรอง| )", "ผู้มีอำนาจพิจารณาให้การรับรอง", "as above", False),
    Term("การพิจารณาถูกเลื่อน", "เลื่อนการพิจารณา", "officials write it so"),
    Term("ยอมรับ(ผล)?การแก้ไข", "เห็นชอบผลการแก้ไข", "an inspector approves; nobody concedes"),
    Term("ว่ายอมรับหรือไม่", "ว่าเห็นชอบหรือไม่", "as above"),
    Term("เปิดขึ้นแล้ว", "เปิดรับฟัง…แล้ว ถึงวันที่", "translated"),
    Term("จะปิดเมื่อสิ้นวันที่", "ถึงวันที่", "a last day is the day on which one is in time"),
    Term("สำหรับโปรแกรม(?!ตารางคำนวณ)", "CSV (UTF-8) สำหรับประมวลผล", "โปรแกรม says nothing"),
    Term("มีสิทธิดำเนินการแทน", "มีอำนาจกระทำการแทน", "the Civil Code's word for a representative"),
    Term("ข้อบกพร่องหลัก", "ข้อบกพร่องสำคัญ", "criteria say สำคัญ; two words read as two grades"),
    Term("มีส่วนได้เสียในเรื่อง", "มีส่วนได้เสียหรือมีผลประโยชน์ทับซ้อน", "a neighbor has ส่วนได้เสีย too"),
    Term("สิ่งที่(รอ|ขอ|ต้องดำเนินการ|ค้าง)", "รายการที่", "“a thing that waits for you” is English"),
    Term("เรา(จะ|ทำ|ใช้|ส่ง|ได้)", "สำนักงาน", "เรา is familiar"),
    Term("ผู้ติดต่อ", "ผู้ประสานงาน", "one word for the contact"),
    Term("ผู้ขอรับการรับรอง", "ผู้ยื่นคำขอ", "one word for the applicant"),
    Term("เปิดบ้าน", "เปิดสถานประกอบการ", "a factory is no house"),
    Term("(?<!ชาว)ประมงพื้นบ้าน", "ชาวประมงพื้นบ้าน", "the criterion lists persons"),
    Term("ที่อยู่ท้ายอีเมล", "the office by its name", "no address stands there"),
)

ENGLISH = (
    Term("Where is my case", "Track an application", "people look for what they can do"),
    Term("[Uu]ntil the end of", "Due by; until", "a last day is the day on which one is in time"),
    Term("[Tt]he way of the case", "Progress", "the usual word"),
    Term("[Tt]ake the data with you", "Download data", "the usual words"),
    Term("[Ss]ites you can speak about", "Have your say", "the usual words"),
    Term("CSV for programs", "CSV (UTF-8) for processing", "a program is also what certifies"),
    Term("by yourself", "apply", "there is no page on which one applies without an invitation"),
    Term(
        "(See|see) .*and act\\b",
        "Track the application",
        "the page shows a state; it takes no acts",
    ),
    Term("page of the case", "in the case system", "the page shows no reasons and no documents"),
    Term("named below", "the office by its name", "no address stands there"),
    Term("Receipt:", "Receipt number:", "it is what a page asks for"),
)


@cache
def said() -> tuple[tuple[str, str, bool], ...]:
    """Return what people read: where it stands, the text, and whether it is a program's."""
    return tuple(_catalogs()) + tuple(_files())


def _catalogs() -> Iterator[tuple[str, str, bool]]:
    for language in ("th", "en"):
        with (ROOT / f"api/locale/{language}/LC_MESSAGES/messages.po").open("rb") as file:
            catalog = read_po(file, locale=language)
        for message in catalog:
            forms = message.string if isinstance(message.string, tuple | list) else [message.string]
            for form in forms if message.id else ():
                yield f"{language}/messages.po", str(form), False


def _files() -> Iterator[tuple[str, str, bool]]:
    for pattern in (
        "casework/notices/templates/*/*.jinja",
        "casework/notices/words.py",
        "casework/notices/visit_file.py",
        "casework/domain/clock.py",
        "casework/demo/people.py",
        "casework/demo/steps.py",
        "api/templates/**/*.jinja",
        "api/routes/cases/examples.py",
        "docs/glossary.md",
        "docs/for-*.md",
        f"{DATA}/*/*.toml",
    ):
        found = sorted(ROOT.glob(pattern))
        assert found, pattern
        for file in found:
            name = str(file.relative_to(ROOT))
            for line in file.read_text(encoding="utf-8").splitlines():
                yield name, line, name.startswith(DATA)


@pytest.mark.parametrize("term", THAI + ENGLISH, ids=lambda term: term.instead)
def test_a_word_that_is_not_used_occurs_nowhere(term: Term):
    found = [
        f"{where}: {text.strip()}"
        for where, text, is_program in said()
        if re.search(term.never, text) and (term.in_programs or not is_program)
    ]
    assert not found, f"say “{term.instead}”: {term.because}"


@pytest.mark.parametrize("term", THAI + ENGLISH, ids=lambda term: term.instead)
def test_what_is_said_instead_breaks_no_rule_itself(term: Term):
    assert not [other.never for other in THAI + ENGLISH if re.search(other.never, term.instead)]
