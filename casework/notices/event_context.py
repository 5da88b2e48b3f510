"""What an event itself adds to the context of a notice, in the words of its reader's language."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casework.domain import events as e
from casework.domain.acts import ReturnedItem
from casework.domain.rules import HOLDERS, LAPSING, Grade
from casework.notices import dates, words
from casework.notices.addresses import Addresses
from casework.notices.occasion import Occasion


@dataclass(frozen=True)
class Item:
    """One line of a list: what it is called, what is asked or remarked, and how grave it is."""

    name: str
    reason: str | None = None
    grade: str | None = None


def told_by_event(occasion: Occasion, line: e.Recorded, addresses: Addresses) -> dict[str, Any]:
    """Return what the event itself adds."""
    language, case = occasion.readers.language, occasion.case
    match line.event:
        case e.EstablishmentInvited():
            return {"summary": occasion.program.summary.to(language)}
        case e.ApplicationAccepted(remark=remark):
            return {"remark": remark}
        case e.ApplicationReturned(items=items):
            return {"items": _items(occasion, items)}
        case e.ApplicationRejected(reasons=reasons):
            return {"reasons": reasons}
        case e.InspectionScheduled() | e.InspectionRescheduled() as event:
            return _visit(occasion, event)
        case e.InspectionFiled() as event:
            remarks = {f.criterion: (f.remark, f.grade) for f in event.findings}
            return {
                "visited_on": dates.day(event.visited_at, language),
                "percent": event.percent,
                "findings": [
                    _criterion(occasion, code, *remarks.get(code, (None, None)))
                    for code in event.to_correct
                ],
            }
        case e.CorrectiveActionSubmitted(actions=actions):
            return {"findings": [_criterion(occasion, a.criterion) for a in actions]}
        case e.CorrectiveActionVerified() as event:
            verdicts = {v.criterion: v.remark for v in event.verdicts}
            return {
                "percent": event.percent,
                "findings": [
                    _criterion(occasion, code, verdicts.get(code)) for code in event.to_correct
                ],
            }
        case e.FeedbackOpened(closes_at=closes):
            return {
                "closes": dates.deadline(closes, language),
                "feedback_page": addresses.feedback(case.case_id, language),
                "notice_page": addresses.feedback_notice(case.case_id, language),
                "communities_page": addresses.communities(case.case_id),
                "by_mail": occasion.communities.by_mail,
                "by_post": occasion.communities.by_post,
            }
        case e.FeedbackExtended(closes_at=closes, reason=reason):
            return {"closes": dates.deadline(closes, language), "reason": reason}
        case e.FeedbackClosed() as event:
            return {
                "count": len(event.representations),
                "support": event.support,
                "neutral": event.neutral,
                "objection": event.objection,
            }
        case e.RepresentationsDisposed(disposition=disposition, answer=answer):
            return {"disposition": words.DISPOSITIONS[disposition].to(language), "answer": answer}
        case e.RecommendationMade(advice=advice):
            return {"advice": words.ADVICE[advice].to(language)}
        case e.DecisionMade() as event:
            return _decision(occasion, event)
        case e.OfficerReassigned(reason=reason):
            return {"reason": reason, "stage": words.STAGES[case.stage].to(language)}
        case e.ConflictDeclared(person=ref):
            person, visit = occasion.people.get(ref), occasion.visit_at
            return {
                "person": person.name if person else ref,
                "visit": dates.moment(visit, language) if visit else None,
            }
        case e.ApplicationWithdrawn():
            visit = occasion.visit_at
            return {"visit": dates.moment(visit, language) if visit else None}
        case e.DeadlineReminded() | e.DeadlineEscalated() | e.CaseLapsed() as event:
            return _deadline(occasion, event)
        case e.CertificationPublished():
            return {
                **_certification(occasion, case.level, case.valid_until),
                "register_page": addresses.register(case.program, case.establishment_id),
            }
        case e.CertificationExpired():
            return _certification(occasion, case.level, case.valid_until)
        case _:
            return {}


def _visit(
    occasion: Occasion, event: e.InspectionScheduled | e.InspectionRescheduled
) -> dict[str, Any]:
    before = occasion.visits.planned
    replaced = before.inspector if before and before.inspector != event.inspector else None
    return {
        "visit": dates.moment(event.visit_at, occasion.readers.language),
        "inspector": _name(occasion, event.inspector),
        "previous_inspector": _name(occasion, replaced) if replaced else None,
        "reason": event.reason if isinstance(event, e.InspectionRescheduled) else None,
    }


def _decision(occasion: Occasion, event: e.DecisionMade) -> dict[str, Any]:
    language = occasion.readers.language
    return {
        "outcome": words.OUTCOMES[event.outcome].to(language),
        "reasons": event.reasons,
        "items": _items(occasion, event.asked),
        "back_to": event.back_to.value if event.back_to else None,
        **_certification(occasion, event.level, event.valid_until),
    }


def _certification(occasion: Occasion, code: str | None, until: datetime | None) -> dict[str, Any]:
    language = occasion.readers.language
    level = occasion.program.levels.get(code or "")
    return {
        "level": level.name.to(language) if level else code,
        "valid_until": dates.deadline(until, language) if until else None,
    }


def _deadline(
    occasion: Occasion, event: e.DeadlineReminded | e.DeadlineEscalated | e.CaseLapsed
) -> dict[str, Any]:
    language, case = occasion.readers.language, occasion.case
    moved = case.due_at if case.due_period is event.period else None
    written = dates.deadline(moved or event.due_at, language)
    return {
        "task": words.TASKS[event.period].to(language),
        "holder": words.HOLDER_NAMES[HOLDERS[event.period]].to(language),
        "deadline": written,
        "lapses": event.period in LAPSING,
        # The only reminder of a validity is that it ends.
        "valid_until": written,
    }


def _name(occasion: Occasion, ref: str) -> str:
    person = occasion.people.get(ref)
    return person.name if person else ref


def _items(occasion: Occasion, asked: Iterable[ReturnedItem]) -> list[Item]:
    language, program = occasion.readers.language, occasion.program
    named = {code: item.name.to(language) for code, item in program.items.items()} | {
        code: criterion.name.to(language) for code, criterion in program.criteria.items()
    }
    return [Item(name=named.get(i.item, i.item), reason=i.reason) for i in asked]


def _criterion(
    occasion: Occasion, code: str, remark: str | None = None, grade: Grade | None = None
) -> Item:
    language = occasion.readers.language
    criterion = occasion.program.criteria.get(code)
    return Item(
        name=criterion.name.to(language) if criterion else code,
        reason=remark,
        grade=words.GRADES[grade].to(language) if grade else None,
    )
