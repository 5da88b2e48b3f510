"""The catalogue: who is told of what."""

import typing
from datetime import timedelta

import pytest

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import ActorKind, ActorRef
from casework.domain.case import Case
from casework.domain.numbers import Numbers
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage
from casework.notices.catalogue import NOTICES, SILENT, NoticeSlug, notices_for, receipt_for
from tests.sample_case import CALENDAR, NOW, TERMS, case_at

EVENTS = typing.get_args(typing.get_args(e.Event)[0])


def told(case: Case, event: e.Event) -> set[tuple[str, str]]:
    """Return the notices and recipients of an event at this case."""
    by = ActorRef(person="system", kind=ActorKind.SYSTEM)
    line = e.Recorded(seq=case.version, at=NOW, actor=by, event=event)
    notices = notices_for(case, line)
    assert all(notice.seq == case.version for notice in notices)
    return {(notice.slug, notice.recipient) for notice in notices}


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_tells_somebody_or_says_why_not(event: type) -> None:
    """An event is in the catalogue or among the silent ones, never in both."""
    assert (event in {rule.event for rule in NOTICES}) != (event in SILENT)


def test_every_slug_stands_in_the_catalogue() -> None:
    """There is no notice that nothing brings about."""
    assert {rule.slug for rule in NOTICES} == set(NoticeSlug)


def test_an_application_tells_applicant_and_office() -> None:
    """The applicant gets a receipt, the office something to do."""
    case = case_at(Stage.APPLICATION_REVIEW)
    assert told(case, e.ApplicationSubmitted(contact="con-1")) == {
        ("application-received", "applicant"),
        ("application-to-review", "office"),
    }


def test_a_visit_tells_the_inspector_that_the_event_names() -> None:
    """The case may have another inspector by the time its events are recorded together."""
    case = case_at(Stage.INSPECTION).model_copy(update={"inspector": "inspector-9"})
    event = e.InspectionScheduled(visit_at=NOW, inspector="inspector-1", declaration="-")
    assert told(case, event) == {
        ("visit-scheduled", "applicant"),
        ("visit-scheduled", "inspector:inspector-1"),
    }


@pytest.mark.parametrize(
    ("to_correct", "slug"), [((), "inspection-filed"), (("C-1",), "correction-required")]
)
def test_findings_tell_what_they_lead_to(to_correct: tuple[str, ...], slug: str) -> None:
    """The event decides, not the stage that the case has reached since."""
    event = e.InspectionFiled(visited_at=NOW, findings=(), percent=80, to_correct=to_correct)
    assert told(case_at(Stage.REVIEW), event) == {(slug, "applicant")}


def test_corrective_action_without_an_able_inspector_goes_to_the_office() -> None:
    """An inspector with a conflict is not asked to verify."""
    case = case_at(Stage.CORRECTIVE_ACTION)
    blocked = case.model_copy(update={"conflicts": (case.inspector,)})
    event = e.CorrectiveActionSubmitted(actions=())
    assert told(case, event) == {("correction-submitted", f"inspector:{case.inspector}")}
    assert told(blocked, event) == {("correction-submitted", "office")}


def test_closed_feedback_goes_to_the_office_or_straight_to_the_reviewers() -> None:
    """With representations the office answers first."""
    some = e.FeedbackClosed(representations=Numbers.of([1, 2]))
    none = e.FeedbackClosed(representations=Numbers())
    assert told(case_at(Stage.ANSWERING), some) == {("representations-to-answer", "office")}
    assert told(case_at(Stage.REVIEW), none) == {("case-to-review", "reviewers")}


def test_an_answer_goes_to_the_authors_it_answers() -> None:
    """Only these; and the reviewers hear of it when nothing is left to answer."""
    event = e.RepresentationsDisposed(
        numbers=Numbers.of([2, 3]), disposition=a.Disposition.NOTED, answer="-"
    )
    by = ActorRef(person="officer-1", kind=ActorKind.OFFICER)
    line = e.Recorded(seq=9, at=NOW, actor=by, event=event)
    waiting = notices_for(case_at(Stage.ANSWERING), line)
    done = notices_for(case_at(Stage.REVIEW), line)
    assert [(n.slug, n.recipient, n.numbers) for n in waiting] == [
        ("representation-answered", "authors", Numbers.of([2, 3]))
    ]
    assert {n.slug for n in done} == {"representation-answered", "case-to-review"}


@pytest.mark.parametrize(
    ("outcome", "back_to", "expected"),
    [
        ("granted", None, {("decision-granted", "applicant"), ("decision-announced", "authors")}),
        ("refused", None, {("decision-refused", "applicant"), ("decision-announced", "authors")}),
        ("deferred", Stage.RETURNED, {("decision-deferred", "applicant")}),
        ("deferred", Stage.FEEDBACK, {("decision-deferred", "applicant")}),
        (
            "deferred",
            Stage.INSPECTION,
            {("decision-deferred", "applicant"), ("deferral-to-follow-up", "office")},
        ),
        (
            "deferred",
            Stage.REVIEW,
            {("decision-deferred", "applicant"), ("deferral-to-follow-up", "reviewers")},
        ),
    ],
)
def test_a_decision_tells_whom_it_concerns(
    outcome: str, back_to: Stage | None, expected: set[tuple[str, str]]
) -> None:
    """Authors hear of a decision that stands, not of a deferral."""
    event = e.DecisionMade(outcome=a.Outcome(outcome), reasons="-", back_to=back_to)
    assert told(case_at(Stage.DECISION), event) == expected


def test_a_withdrawal_cancels_the_visit_to_come() -> None:
    """An inspector whose visit is over, or was never planned, is left in peace."""
    case = case_at(Stage.WITHDRAWN)
    planned = case.model_copy(
        update={"visit_at": NOW + timedelta(days=1), "inspector": "inspector-1"}
    )
    over = planned.model_copy(update={"visit_at": NOW - timedelta(days=1)})
    usual = {("withdrawal-received", "applicant"), ("application-withdrawn", "office")}
    assert told(case, e.ApplicationWithdrawn()) == usual
    assert told(over, e.ApplicationWithdrawn()) == usual
    assert told(planned, e.ApplicationWithdrawn()) == usual | {
        ("visit-canceled", "inspector:inspector-1")
    }


@pytest.mark.parametrize(
    ("period", "recipients"),
    [
        (PeriodName.INVITATION, {"applicant"}),
        (PeriodName.APPLICATION_REVIEW, {"office"}),
        (PeriodName.RESUBMISSION, {"applicant"}),
        (PeriodName.INSPECTION, {"office", "inspector:inspector-1"}),
        (PeriodName.CORRECTIVE_ACTION, {"applicant"}),
        (PeriodName.VERIFICATION, {"inspector:inspector-1"}),
        (PeriodName.FEEDBACK, set[str]()),
        (PeriodName.ANSWERING, {"office"}),
        (PeriodName.REVIEW, {"reviewers"}),
        (PeriodName.DECISION, {"decision-makers"}),
    ],
)
def test_a_reminder_goes_to_whom_the_case_waits_for(
    period: PeriodName, recipients: set[str]
) -> None:
    """The community is nobody in particular, so a reminder of feedback tells nobody."""
    case = Case(terms=TERMS, version=5, inspector="inspector-1")
    event = e.DeadlineReminded(period=period, due_at=NOW, number=1)
    assert told(case, event) == {("deadline-reminder", recipient) for recipient in recipients}


def test_the_end_of_a_validity_is_announced_to_the_holder() -> None:
    """It has a notice of its own, because nothing is late."""
    event = e.DeadlineReminded(period=PeriodName.VALIDITY, due_at=NOW, number=1)
    assert told(case_at(Stage.CERTIFIED), event) == {("certification-expiring", "applicant")}


def test_an_escalation_goes_to_the_supervisors() -> None:
    """Whoever is late has been reminded before."""
    event = e.DeadlineEscalated(period=PeriodName.REVIEW, due_at=NOW, number=1)
    assert told(case_at(Stage.REVIEW), event) == {("deadline-escalated", "supervisors")}


def test_only_a_standing_certification_is_announced_as_published() -> None:
    """Publishing that it expired is no news for its holder."""
    event = e.CertificationPublished(version=9, entry=1)
    assert told(case_at(Stage.CERTIFIED), event) == {("certificate-published", "applicant")}
    assert told(case_at(Stage.EXPIRED), event) == set()


def test_an_invitation_that_lapses_does_not_trouble_the_office() -> None:
    """A drive has thousands of them; an application that lapses is the office's to know."""
    invitation = e.CaseLapsed(period=PeriodName.INVITATION, due_at=NOW)
    returned = e.CaseLapsed(period=PeriodName.RESUBMISSION, due_at=NOW)
    case = case_at(Stage.LAPSED)
    assert told(case, invitation) == {("case-lapsed", "applicant")}
    assert told(case, returned) == {("case-lapsed", "applicant"), ("case-lapsed", "office")}


def test_a_new_officer_is_told_by_the_event_and_not_by_the_case() -> None:
    """The case may have been handed on since."""
    event = e.OfficerReassigned(officer="officer-2", reason="-")
    assert told(case_at(Stage.REVIEW), event) == {("case-assigned", "officer:officer-2")}


def test_a_conflict_asks_for_a_replacement_where_one_is_needed() -> None:
    """A conflict of somebody without a part in the case tells nobody."""
    review = case_at(Stage.REVIEW)
    assert review.officer is not None
    officer = e.ConflictDeclared(person=review.officer, statement="-")
    stranger = e.ConflictDeclared(person="officer-99", statement="-")
    assert told(review, officer) == {("conflict-of-officer", "supervisors")}
    assert told(review, stranger) == set()
    assert told(case_at(Stage.INSPECTION), stranger) == {("inspector-needed", "office")}


def test_silent_events_tell_nobody() -> None:
    """A note, a declined invitation and new holidays stay on the file."""
    case = case_at(Stage.DECLINED)
    for event in (
        e.InvitationDeclined(),
        e.NoteAdded(note="-"),
        e.CalendarAdopted(calendar=CALENDAR),
    ):
        assert told(case, event) == set()


def test_a_receipt_is_keyed_by_its_representation() -> None:
    """It is queued when the row is stored, before any event."""
    notice = receipt_for(7)
    assert (notice.slug, notice.seq, notice.recipient) == (
        "representation-received",
        7,
        "representation:7",
    )
