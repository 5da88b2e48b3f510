"""Two seminars and the lists that came home from them, as people have such lists.

The sites are real; who came, their addresses and every slip in the lists are made up.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from casework.demo.sites import Site
from casework.programs.provinces import provinces

_HEADINGS = (
    "ลำดับ",
    "เลขทะเบียนโรงงาน",
    "ชื่อโรงงาน (อังกฤษ)",
    "จังหวัด",
    "ละติจูด",
    "ลองจิจูด",
    "ผู้ประสานงาน",
    "อีเมล",
    "หมายเหตุ",
)
_THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")

_EARLIER = ("Bhumibol", "Khanom", "Krabi New", "Chana", "Phuket Wte")
_WITHOUT_NUMBER = ("Bang Khuntien Factory", "Songkla Refinery")
_WITHOUT_ADDRESS = ("Lan Krabue", "Kaeng Krachan")
_WITH_A_SLIP = "Thung Song Cement"
_CAME_TWICE = "Patum Rice Mill"
_LISTED_TWICE = "Huai Krachao"


class Seminar(NamedTuple):
    """A seminar, and the list of who came: a CSV file with so many rows."""

    slug: str
    title: str
    days_ago: int
    rows: int
    file: bytes

    @property
    def file_name(self) -> str:
        """What the file is called on the organizer's disk."""
        return f"{self.slug}.csv"


def address_of(site: Site) -> str:
    """Return the e-mail address of whoever came from a site. Domains of ``example`` reach nobody."""
    name = re.sub(r"[^a-z0-9]+", "-", site.name_en.lower()).strip("-")
    return f"contact@{name}.example"


def earlier_seminar(sites: Iterable[Site]) -> Seminar:
    """Return a seminar of which nothing came: five sites, and none will answer."""
    lines = [_line(site) for site in sites if site.name_en in _EARLIER]
    return _seminar("attendees-earlier", "สัมมนาผู้ประกอบการ รุ่นที่ 1 (ตัวอย่าง)", 60, lines)


def seminar(sites: Iterable[Site]) -> Seminar:
    """Return the seminar to which all sites came, with the slips that such lists have.

    Two lines are there twice: one with its number, one with its name and place alone. Two have no
    e-mail address, two have one or a province that cannot be read, two have no number.
    """
    by_name = {site.name_en: site for site in sites}
    lines: list[list[str]] = []
    for site in by_name.values():
        line = _line(site)
        if site.name_en in _WITHOUT_NUMBER:
            line[1] = ""
        if site.name_en in _WITHOUT_ADDRESS:
            line[7] = "-"
        if site.name_en == _WITH_A_SLIP:
            line[7] = "contact (at) thung-song-cement.example"
        lines.append(line)
    twice = _line(by_name[_CAME_TWICE])
    nameless = _line(by_name[_LISTED_TWICE])
    nameless[1], nameless[8] = "", "ลงทะเบียนหน้างาน"
    # Nobody has the sheet any more that says which place this was.
    stranger = ["", "", "Rice Mill", "ภาคกลาง", "", "", "", "contact@rice-mill.example", "?"]
    lines += [twice, nameless, stranger]
    return _seminar("attendees", "สัมมนาเครือข่ายอุตสาหกรรมรักษ์สิ่งแวดล้อม (ตัวอย่าง)", 2, lines)


def _line(site: Site) -> list[str]:
    return [
        "",
        site.registration_no,
        site.name_en,
        f"จ.{provinces()[site.province].name_th}",
        f"{site.latitude:.4f}",
        f"{site.longitude:.4f}",
        f"ผู้ประสานงาน {site.name_en} (ตัวอย่าง)",
        address_of(site),
        "",
    ]


def _seminar(slug: str, title: str, days_ago: int, lines: Sequence[Sequence[str]]) -> Seminar:
    """Write the list as a Thai spreadsheet saves it: a mark, a title, Thai numerals, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([f"รายชื่อผู้เข้าร่วม {title}"])
    writer.writerow([])
    writer.writerow(_HEADINGS)
    for number, line in enumerate(lines, start=1):
        writer.writerow([str(number).translate(_THAI_DIGITS), *line[1:]])
    return Seminar(slug, title, days_ago, len(lines), text.getvalue().encode("utf-8-sig"))
