"""The fictional staff of every province, one account for each part somebody can act in."""

from collections.abc import Iterable, Iterator

from casework.domain.actors import ActorKind
from casework.people.directory import EVERYWHERE, Member
from casework.programs.provinces import Province

DOMAIN = "demo.example"
"""Nobody can ever get mail there: the name is reserved for examples."""

_PARTS = {
    ActorKind.OFFICER: ("เจ้าหน้าที่", "Officer"),
    ActorKind.INSPECTOR: ("ผู้ตรวจประเมิน", "Inspector"),
    ActorKind.REVIEWER: ("ผู้ทบทวน", "Reviewer"),
    ActorKind.DECISION_MAKER: ("ผู้มีอำนาจพิจารณาให้การรับรอง", "Decision maker"),
    ActorKind.SUPERVISOR: ("ผู้กำกับดูแล", "Supervisor"),
}


def person_of(part: ActorKind, province: str) -> str:
    """Return the reference of the account for this part in this province, such as ``officer-21``."""
    return f"{part.value}-{province}"


def staff_of(provinces: Iterable[Province]) -> Iterator[Member]:
    """Yield the accounts of these provinces. Inspectors read English, the others Thai."""
    for province in provinces:
        for part, (thai, english) in _PARTS.items():
            person = person_of(part, province.code)
            reads_english = part is ActorKind.INSPECTOR
            yield Member(
                person=person,
                name=(
                    f"{english}, {province.name_en} (demo)"
                    if reads_english
                    else f"{thai} สอจ.{province.name_th} (ตัวอย่าง)"
                ),
                email=f"{person}@{DOMAIN}",
                language="en" if reads_english else "th",
                kinds=(part,),
                provinces=(province.code,),
                programs=(EVERYWHERE,),
            )
