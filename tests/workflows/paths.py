"""Every path through a case, as the people and the calendar walk it.

Each leaves a recorded history in ``tests/histories``: a changed workflow has to replay all of them.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from casework.domain import acts as a
from casework.domain.actors import SYSTEM
from casework.domain.representations import Stance
from casework.domain.rules import Grade, PeriodName
from casework.domain.stages import Stage
from casework.store import representations
from tests.sample_case import (
    APPLICANT,
    DECIDER,
    INSPECTOR,
    OFFICER,
    REVIEWER,
    SUPERVISOR,
    act_of,
    findings,
    nonconformity,
)
from tests.workflows.office import Office

Path = Callable[[Office], Awaitable[None]]

YEAR = timedelta(days=366)


async def apply(office: Office) -> None:
    await office.open(a.SubmitApplication(contact="con-1", statement="We apply."), APPLICANT)


async def to_inspection(office: Office) -> None:
    await apply(office)
    await office.act(a.AcceptApplication, OFFICER)


async def visit(office: Office, *found: a.Finding) -> None:
    await office.act(a.ScheduleInspection, OFFICER)
    await office.act(
        a.FileInspection(visited_at=office.now(), findings=findings(*found)), INSPECTOR
    )


async def to_feedback(office: Office) -> None:
    await to_inspection(office)
    await visit(office)


async def let_feedback_pass(office: Office, stage: Stage = Stage.REVIEW) -> None:
    case = office.case()
    assert case.running is not None
    assert case.running.period is PeriodName.FEEDBACK
    await office.advance(case.running.due_at - office.now() + timedelta(minutes=1))
    await office.until(lambda case: case.stage is stage)


async def to_decision(office: Office) -> None:
    await to_feedback(office)
    await let_feedback_pass(office)
    await office.act(a.Recommend, REVIEWER)


async def grant(office: Office) -> None:
    await office.act(a.Decide, DECIDER)
    await office.until(lambda case: case.register_entry is not None)


async def defer(office: Office, back_to: Stage) -> None:
    await office.act(
        a.Decide(
            outcome=a.Outcome.DEFERRED,
            reasons="More is needed.",
            back_to=back_to,
            asked=(a.ReturnedItem(item="map", reason="Show the pond."),),
        ),
        DECIDER,
    )


def speak(office: Office, number: int) -> None:
    """Let the community say something, as the API would store it."""
    case = office.case()
    assert case.changed_at is not None
    with office.database.writing() as session:
        representations.submit(
            session,
            case.case_id,
            representations.NewRepresentation(
                stance=tuple(Stance)[number % 3],
                text=f"ข้อคิดเห็นที่ {number}",
                author_email=f"neighbor{number}@village.example",
                language="th",
                update_key=f"{case.case_id}-{number}",
                digest=str(number),
            ),
            case.changed_at,
        )


async def granted_and_published(office: Office) -> None:
    await to_decision(office)
    await grant(office)


async def certified_until_it_expires(office: Office) -> None:
    await granted_and_published(office)
    await office.advance(3 * YEAR + timedelta(days=40))
    await office.until(lambda case: case.stage is Stage.EXPIRED and not case.publication_due)


async def invited_applies_and_withdraws(office: Office) -> None:
    await office.open(a.InviteEstablishment(drive="drive-1"), SYSTEM)
    await office.act(a.SubmitApplication(contact="con-1"), APPLICANT)
    await office.act(a.WithdrawApplication(reason="Sold."), APPLICANT)


async def invitation_declined(office: Office) -> None:
    await office.open(a.InviteEstablishment(drive="drive-1"), SYSTEM)
    await office.act(a.DeclineInvitation(reason="Not this year."), APPLICANT)


async def invitation_lapses(office: Office) -> None:
    await office.open(a.InviteEstablishment(drive="drive-1"), SYSTEM)
    await office.advance(timedelta(days=60))
    await office.until(lambda case: case.stage is Stage.LAPSED)


async def returned_resubmitted_and_rejected(office: Office) -> None:
    await apply(office)
    await office.act(a.ReturnApplication, OFFICER)
    await office.act(a.ResubmitApplication, APPLICANT)
    await office.act(a.RejectApplication, OFFICER)


async def returned_application_lapses(office: Office) -> None:
    await apply(office)
    await office.act(a.ReturnApplication, OFFICER)
    await office.advance(timedelta(days=60))
    await office.until(lambda case: case.stage is Stage.LAPSED)


async def office_overdue_is_escalated_and_goes_on(office: Office) -> None:
    await apply(office)
    await office.advance(timedelta(days=120))
    await office.until(lambda case: case.running is not None and case.running.escalated == 2)
    await office.act(a.AddNote(note="The file was found."), OFFICER)
    await office.act(a.ReassignOfficer(officer="officer-22", reason="Overdue."), SUPERVISOR)
    await office.act(a.AcceptApplication, OFFICER)
    await office.act(a.WithdrawApplication(), APPLICANT)


async def nonconformity_corrected(office: Office) -> None:
    await to_inspection(office)
    await visit(office, nonconformity())
    await office.act(a.SubmitCorrectiveAction, APPLICANT)
    no = a.Verdict(criterion="C-1", accepted=False, remark="Not yet.")
    await office.act(a.VerifyCorrectiveAction(verdicts=(no,)), INSPECTOR)
    await office.act(a.SubmitCorrectiveAction, APPLICANT)
    await office.act(a.VerifyCorrectiveAction, INSPECTOR)
    await let_feedback_pass(office)
    await office.act(a.Recommend, REVIEWER)
    await grant(office)


async def corrective_action_lapses(office: Office) -> None:
    await to_inspection(office)
    await visit(office, nonconformity())
    await office.advance(timedelta(days=120))
    await office.until(lambda case: case.stage is Stage.LAPSED)


async def objections_answered_and_refused(office: Office) -> None:
    await to_feedback(office)
    for number in (1, 2, 3):
        speak(office, number)
    await office.act(a.ExtendFeedback(days=5, reason="A festival."), SUPERVISOR)
    await let_feedback_pass(office, Stage.ANSWERING)
    one = a.DisposeRepresentations(
        numbers=(2,), disposition=a.Disposition.UPHELD, answer="You are right."
    )
    await office.act(one, OFFICER)
    await office.act(a.DisposeRepresentations, OFFICER)
    refuse = a.Recommend(advice=a.Advice.REFUSE, reasons="The smell is real.")
    await office.act(refuse, REVIEWER)
    await office.act(
        a.Decide(outcome=a.Outcome.REFUSED, reasons="The community is right."), DECIDER
    )


async def knock_out_corrected_and_refused(office: Office) -> None:
    await to_inspection(office)
    await visit(office, nonconformity("C-2", Grade.MINOR))
    await office.act(a.SubmitCorrectiveAction, APPLICANT)
    await office.act(a.VerifyCorrectiveAction, INSPECTOR)
    await let_feedback_pass(office)
    await office.act(a.Recommend(advice=a.Advice.REFUSE, reasons="It is back."), REVIEWER)
    await office.act(a.Decide(outcome=a.Outcome.REFUSED, reasons="As recommended."), DECIDER)


async def deferred_to_every_stage_in_turn(office: Office) -> None:
    await to_decision(office)
    await defer(office, Stage.REVIEW)
    await office.act(a.Recommend, REVIEWER)
    await defer(office, Stage.FEEDBACK)
    await let_feedback_pass(office)
    await office.act(a.Recommend, REVIEWER)
    await defer(office, Stage.INSPECTION)
    await visit(office)
    await let_feedback_pass(office)
    await office.act(a.Recommend, REVIEWER)
    await defer(office, Stage.RETURNED)
    await office.act(a.ResubmitApplication, APPLICANT)
    await office.act(a.WithdrawApplication(), APPLICANT)


async def visit_moved_after_a_conflict(office: Office) -> None:
    await to_inspection(office)
    await office.act(a.ScheduleInspection, OFFICER)
    await office.act(a.RescheduleInspection, OFFICER)
    await office.act(a.DeclareConflict(statement="My cousin works there."), INSPECTOR)
    other = INSPECTOR.model_copy(update={"person": "inspector-22"})
    schedule = act_of(a.ScheduleInspection, office.case(), office.now())
    await office.act(schedule.model_copy(update={"inspector": other.person}), OFFICER)
    await office.act(a.FileInspection(visited_at=office.now(), findings=findings()), other)
    await office.act(a.WithdrawApplication(), APPLICANT)


PATHS: dict[str, tuple[Path, Stage]] = {
    path.__name__: (path, stage)
    for path, stage in (
        (granted_and_published, Stage.CERTIFIED),
        (certified_until_it_expires, Stage.EXPIRED),
        (invited_applies_and_withdraws, Stage.WITHDRAWN),
        (invitation_declined, Stage.DECLINED),
        (invitation_lapses, Stage.LAPSED),
        (returned_resubmitted_and_rejected, Stage.REJECTED),
        (returned_application_lapses, Stage.LAPSED),
        (office_overdue_is_escalated_and_goes_on, Stage.WITHDRAWN),
        (nonconformity_corrected, Stage.CERTIFIED),
        (corrective_action_lapses, Stage.LAPSED),
        (objections_answered_and_refused, Stage.REFUSED),
        (knock_out_corrected_and_refused, Stage.REFUSED),
        (deferred_to_every_stage_in_turn, Stage.WITHDRAWN),
        (visit_moved_after_a_conflict, Stage.WITHDRAWN),
    )
}
"""Name of a path: how to walk it, and the stage at which it ends."""
