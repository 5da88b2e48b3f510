"""One step of a case on its way to a goal: which act is next, who does it, and what it says.

A step follows from the stage the case is at, never from what was done before in this process. So a
demo that was ended in the middle goes on where the cases are.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from casework.demo.client import Json, Who
from casework.demo.people import person_of
from casework.demo.sites import Site
from casework.domain.actors import ActorKind
from casework.domain.calendar import BANGKOK
from casework.domain.rules import EvidenceRule, Grade
from casework.domain.stages import Stage
from casework.programs.model import ProgramVersion


class Goal(NamedTuple):
    """Where a case shall come to rest, and by which way.

    ``returns``: the application goes back once. ``finds``: the grade of the first criterion of the
    site visit. ``says``: stances of representations from the community.
    """

    stage: Stage
    program: str
    returns: bool = False
    finds: Grade = Grade.CONFORMITY
    corrects: bool = True
    visit: bool = True
    says: tuple[str, ...] = ()
    withdraws_at: Stage | None = None
    defers_to: Stage | None = None


class Step(NamedTuple):
    """An act: its name in the address, who does it, and its body."""

    act: str
    who: Who
    body: Json


class Cast(NamedTuple):
    """Everybody who acts in one case."""

    applicant: Who
    officer: Who
    inspector: Who
    reviewer: Who
    decision_maker: Who

    @classmethod
    def of(cls, site: Site, establishment: str) -> "Cast":
        """Return the people of a site: its coordinator, and the staff of its province."""

        def staff(part: ActorKind) -> Who:
            return Who(person_of(part, site.province), (part,), province=site.province)

        return cls(
            applicant=Who(
                f"site-{site.number:03}", (ActorKind.APPLICANT,), establishment=establishment
            ),
            officer=staff(ActorKind.OFFICER),
            inspector=staff(ActorKind.INSPECTOR),
            reviewer=staff(ActorKind.REVIEWER),
            decision_maker=staff(ActorKind.DECISION_MAKER),
        )


class Situation(NamedTuple):
    """What a step follows from.

    ``view`` is the case as the API shows it, ``program`` the version it is under, ``evidence`` the
    SHA-256 of a file that serves as evidence, ``now`` the present in UTC.
    """

    view: Json
    goal: Goal
    cast: Cast
    program: ProgramVersion
    evidence: str
    now: datetime


def next_step(s: Situation) -> Step | None:
    """Return the next act, or None when the case is at its goal or waits for time to pass."""
    stage = Stage(s.view["stage"])
    if stage is s.goal.withdraws_at:
        reason = "เปลี่ยนแผนการลงทุน (ตัวอย่าง)"
        return Step("withdraw-application", s.cast.applicant, {"reason": reason})
    if is_there(s.view, s.goal):
        return None
    find = _STEPS.get(stage)
    return find(s) if find else None


def is_there(view: Json, goal: Goal) -> bool:
    """Say whether the case has come to rest where it shall."""
    stage = Stage(view["stage"])
    if stage is not goal.stage:
        return False
    match stage:
        case Stage.INSPECTION:
            came_back = goal.defers_to is None or bool(view["duties"]["deciders"])
            return came_back and bool(view["visit_at"]) == goal.visit
        case Stage.CORRECTIVE_ACTION:
            return bool(view["to_verify"]) == goal.corrects
        case _:
            return True


def _review_application(s: Situation) -> Step:
    if s.goal.stage is Stage.REJECTED:
        reasons = "กิจการนี้ไม่อยู่ในขอบเขตของโครงการ (ตัวอย่าง)"
        return Step("reject-application", s.cast.officer, {"reasons": reasons})
    if s.view["version"] == 1 and (s.goal.returns or s.goal.stage is Stage.RETURNED):
        item = {"item": _map(s), "reason": "แผนที่ไม่แสดงชุมชนโดยรอบ โปรดแนบฉบับใหม่"}
        return Step("return-application", s.cast.officer, {"items": [item]})
    return Step("accept-application", s.cast.officer, {"remark": "เอกสารครบถ้วน"})


def _map(s: Situation) -> str:
    """Return the item of the application that is a map."""
    return next(code for code in s.program.items if "map" in code)


def _resubmit(s: Situation) -> Step:
    answers = [
        {
            "item": item,
            "answer": "แนบแผนที่ฉบับใหม่ แสดงชุมชนในรัศมี 1 กิโลเมตร",
            "documents": [{"file": s.evidence, "title": "แผนที่ (ตัวอย่าง)"}],
        }
        for item in s.view["items_to_answer"]
    ]
    return Step("resubmit-application", s.cast.applicant, {"answers": answers})


def _inspect(s: Situation) -> Step | None:
    if s.view["visit_at"] is None:
        body: Json = {
            "visit_at": _morning_after(s.now).isoformat(),
            "inspector": s.cast.inspector.person,
            "declaration": {"has_conflict": False, "statement": "ไม่มีส่วนได้เสียกับสถานประกอบการ"},
        }
        return Step("schedule-inspection", s.cast.officer, body)
    findings = [
        _finding(s, number, s.goal.finds if number == 0 else Grade.CONFORMITY)
        for number in range(len(s.program.criteria))
    ]
    # The visit of the calendar is tomorrow; the demo does not wait for it.
    body = {"visited_at": (s.now - timedelta(minutes=1)).isoformat(), "findings": findings}
    place = s.view["establishment"]
    if place["latitude"] is not None:
        body["place"] = {"latitude": place["latitude"], "longitude": place["longitude"]}
    return Step("file-inspection", s.cast.inspector, body)


_OF_MEMBERS = "EN-16"
"""The criterion that does not apply to a first application, which all of the demo's are."""


def _finding(s: Situation, number: int, grade: Grade) -> Json:
    criterion = s.program.rules().criteria[number]
    if criterion.code == _OF_MEMBERS:
        first = "ขอรับการรับรองครั้งแรก"
        return {"criterion": _OF_MEMBERS, "grade": Grade.NOT_APPLICABLE.value, "remark": first}
    finding: Json = {"criterion": criterion.code, "grade": grade.value}
    if grade is not Grade.CONFORMITY:
        finding["remark"] = "ยังไม่แจ้งข้อมูลแก่ชุมชนในรอบ 6 เดือนที่ผ่านมา"
    if criterion.evidence is EvidenceRule.REQUIRED or grade in {Grade.MAJOR, Grade.MINOR}:
        finding["evidence"] = [s.evidence]
    return finding


def _correct(s: Situation) -> Step:
    if s.view["to_verify"]:
        verdicts = [
            {"criterion": code, "accepted": True, "remark": "ตรวจหลักฐานแล้ว"}
            for code in s.view["to_verify"]
        ]
        return Step("verify-corrective-action", s.cast.inspector, {"verdicts": verdicts})
    actions = [
        {
            "criterion": code,
            "action": "ติดประกาศและส่งจดหมายข่าวถึงผู้นำชุมชนแล้ว",
            "evidence": [s.evidence],
        }
        for code in s.view["to_correct"]
    ]
    return Step("submit-corrective-action", s.cast.applicant, {"actions": actions})


def _answer(s: Situation) -> Step:
    numbers = [n for first, last in s.view["unanswered"] for n in range(first, last + 1)]
    body = {
        "numbers": numbers,
        "disposition": "noted",
        "answer": "ผู้ตรวจประเมินได้ตรวจเรื่องนี้แล้ว และโรงงานจะรายงานผลแก่ชุมชนทุกไตรมาส",
    }
    return Step("dispose-representations", s.cast.officer, body)


def _recommend(s: Situation) -> Step:
    refuses = s.goal.stage is Stage.REFUSED
    body = {
        "advice": "refuse" if refuses else "grant",
        "reasons": "หลักฐานยังไม่เพียงพอ" if refuses else "ผ่านเกณฑ์ทุกข้อ และตอบข้อคิดเห็นครบแล้ว",
    }
    return Step("recommend", s.cast.reviewer, body)


def _decide(s: Situation) -> Step:
    if s.goal.defers_to is not None:
        body: Json = {
            "outcome": "deferred",
            "reasons": "ขอข้อมูลเพิ่มเติมก่อนพิจารณาให้การรับรอง",
            "back_to": s.goal.defers_to.value,
            "asked": [{"item": _map(s), "reason": "ตรวจประเมินซ้ำบริเวณบ่อบำบัดน้ำ"}],
        }
    elif s.goal.stage is Stage.REFUSED:
        body = {"outcome": "refused", "reasons": "ผลการตรวจประเมินยังไม่แสดงการมีส่วนร่วมของชุมชน"}
    else:
        body = {"outcome": "granted", "reasons": "ผ่านเกณฑ์ และชุมชนได้รับคำตอบแล้ว"}
    return Step("decide", s.cast.decision_maker, body)


def _morning_after(now: datetime) -> datetime:
    """Return half past nine on the next day in Bangkok, in UTC."""
    day = now.astimezone(BANGKOK) + timedelta(days=1)
    return day.replace(hour=9, minute=30, second=0, microsecond=0).astimezone(UTC)


_Find = Callable[[Situation], Step | None]

_STEPS: dict[Stage, _Find] = {
    Stage.APPLICATION_REVIEW: _review_application,
    Stage.RETURNED: _resubmit,
    Stage.INSPECTION: _inspect,
    Stage.CORRECTIVE_ACTION: _correct,
    Stage.ANSWERING: _answer,
    Stage.REVIEW: _recommend,
    Stage.DECISION: _decide,
}
