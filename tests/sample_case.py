"""A small program, the people of one case, and a case at every stage: what tests of domain, workflow and API share."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import SYSTEM, Actor, ActorKind
from casework.domain.calendar import WorkCalendar
from casework.domain.case import Case, Terms, record
from casework.domain.deadlines import tick
from casework.domain.decide import decide
from casework.domain.numbers import Numbers
from casework.domain.openness import kind_for
from casework.domain.rules import (
    CriterionRule,
    EvidenceRule,
    Grade,
    GradeLevel,
    Method,
    PassRule,
    Period,
    PeriodName,
    ProgramRules,
    RequirementLevel,
    Unit,
)
from casework.domain.stages import Stage

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""Monday 23 November 2026, ten in the morning in Bangkok."""

FILE = "ab" * 32
ESTABLISHMENT = "est-000000000001"

CALENDAR = WorkCalendar.of(
    [date(2026, 12, 7), date(2026, 12, 10), date(2026, 12, 31), date(2027, 1, 1)],
    through=date(2028, 12, 31),
)


def _criterion(code: str, **more: object) -> CriterionRule:
    return CriterionRule.model_validate(
        {
            "code": code,
            "level": RequirementLevel.MUST,
            "weight": 10,
            "method": Method.ON_SITE,
            **more,
        }
    )


def _days(length: int, unit: Unit = Unit.WORKING_DAYS, **more: object) -> Period:
    return Period.model_validate({"length": length, "unit": unit, **more})


RULES = ProgramRules(
    program="eco-network",
    version="test",
    items=("map", "plan", "license"),
    criteria=(
        _criterion("C-1", evidence=EvidenceRule.REQUIRED),
        _criterion("C-2", knock_out=True),
        _criterion("C-3", level=RequirementLevel.SHOULD, not_applicable_allowed=True),
    ),
    pass_rule=PassRule(minimum_percent=60, open_minors_allowed=1),
    levels=(
        GradeLevel(code="member", minimum_percent=0),
        GradeLevel(code="model", minimum_percent=90),
    ),
    periods={
        PeriodName.INVITATION: _days(30, Unit.CALENDAR_DAYS, reminders=(14, 3)),
        PeriodName.APPLICATION_REVIEW: _days(30, reminders=(5,), escalations=(0, 7)),
        PeriodName.RESUBMISSION: _days(15, reminders=(3,)),
        PeriodName.INSPECTION: _days(30, escalations=(0,)),
        PeriodName.CORRECTIVE_ACTION: _days(60, Unit.CALENDAR_DAYS, reminders=(15, 3)),
        PeriodName.VERIFICATION: _days(15, escalations=(0,)),
        PeriodName.FEEDBACK: _days(15, Unit.CALENDAR_DAYS),
        PeriodName.ANSWERING: _days(15, escalations=(0,)),
        PeriodName.REVIEW: _days(10, escalations=(0,)),
        PeriodName.DECISION: _days(10, escalations=(0,)),
        PeriodName.VALIDITY: _days(36, Unit.MONTHS, reminders=(90,)),
    },
)

TERMS = Terms(
    case_id="eco-samplecase01",
    establishment=ESTABLISHMENT,
    province="21",
    rules=RULES,
    calendar=CALENDAR,
)


def _staff(person: str, *kinds: ActorKind) -> Actor:
    return Actor(person=person, kinds=kinds)


APPLICANT = Actor(person="applicant-1", kinds=(ActorKind.APPLICANT,), establishment=ESTABLISHMENT)
STRANGER = Actor(
    person="applicant-2", kinds=(ActorKind.APPLICANT,), establishment="est-000000000002"
)
OFFICER = _staff("officer-21", ActorKind.OFFICER)
INSPECTOR = _staff("inspector-21", ActorKind.INSPECTOR)
REVIEWER = _staff("reviewer-1", ActorKind.REVIEWER)
DECIDER = _staff("decider-1", ActorKind.DECISION_MAKER)
SUPERVISOR = _staff("supervisor-1", ActorKind.SUPERVISOR)
ADMINISTRATOR = _staff("administrator-1", ActorKind.ADMINISTRATOR)

CAST = (
    SYSTEM,
    APPLICANT,
    STRANGER,
    OFFICER,
    INSPECTOR,
    REVIEWER,
    DECIDER,
    SUPERVISOR,
    ADMINISTRATOR,
)

NO_CONFLICT = a.ConflictDeclaration(has_conflict=False, statement="No interest in this site.")


def findings(*changed: a.Finding, rules: ProgramRules = RULES) -> tuple[a.Finding, ...]:
    """Return a conformity for every criterion but those given."""
    by_code = {f.criterion: f for f in changed}
    return tuple(
        by_code.get(c.code) or a.Finding(criterion=c.code, grade=Grade.CONFORMITY, evidence=(FILE,))
        for c in rules.criteria
    )


def nonconformity(code: str = "C-1", grade: Grade = Grade.MAJOR) -> a.Finding:
    """Return a finding that names what is wrong and shows it."""
    return a.Finding(criterion=code, grade=grade, remark="Seen on site.", evidence=(FILE,))


def act_of(kind: type[a.Act], case: Case, now: datetime = NOW) -> a.Act:
    """Return a well-formed act of this kind that fits the case as far as the case allows."""
    makers: dict[type[a.Act], Callable[[], a.Act]] = {
        a.InviteEstablishment: lambda: a.InviteEstablishment(drive="drive-1"),
        a.SubmitApplication: lambda: a.SubmitApplication(contact="con-1", statement="We apply."),
        a.DeclineInvitation: lambda: a.DeclineInvitation(reason="Not this year."),
        a.AcceptApplication: lambda: a.AcceptApplication(),
        a.ReturnApplication: lambda: a.ReturnApplication(
            items=(a.ReturnedItem(item=case.terms.rules.items[0], reason="It is missing."),)
        ),
        a.RejectApplication: lambda: a.RejectApplication(reasons="The site is closed."),
        a.ResubmitApplication: lambda: a.ResubmitApplication(
            answers=tuple(
                a.AnsweredItem(item=item, answer="Enclosed.")
                for item in case.items_to_answer or case.terms.rules.items[:1]
            )
        ),
        a.ScheduleInspection: lambda: a.ScheduleInspection(
            visit_at=now + timedelta(days=7),
            inspector=INSPECTOR.person,
            declaration=NO_CONFLICT,
        ),
        a.RescheduleInspection: lambda: a.RescheduleInspection(
            visit_at=now + timedelta(days=9),
            inspector=INSPECTOR.person,
            declaration=NO_CONFLICT,
            reason="Flood.",
        ),
        a.FileInspection: lambda: a.FileInspection(
            visited_at=now, findings=findings(rules=case.terms.rules)
        ),
        a.SubmitCorrectiveAction: lambda: a.SubmitCorrectiveAction(
            actions=tuple(
                a.CorrectiveAction(criterion=code, action="Mended.")
                for code in case.to_correct() or ("C-1",)
            )
        ),
        a.VerifyCorrectiveAction: lambda: a.VerifyCorrectiveAction(
            verdicts=tuple(
                a.Verdict(criterion=code, accepted=True) for code in case.to_verify or ("C-1",)
            )
        ),
        a.ExtendFeedback: lambda: a.ExtendFeedback(days=7, reason="A holiday fell into it."),
        a.DisposeRepresentations: lambda: a.DisposeRepresentations(
            numbers=tuple(case.unanswered) or (1,),
            disposition=a.Disposition.NOTED,
            answer="Thank you; the plant has been asked.",
        ),
        a.Recommend: lambda: a.Recommend(advice=a.Advice.GRANT, reasons="All criteria are met."),
        a.Decide: lambda: a.Decide(outcome=a.Outcome.GRANTED, reasons="As recommended."),
        a.WithdrawApplication: lambda: a.WithdrawApplication(reason="The site is sold."),
        a.AddNote: lambda: a.AddNote(note="Telephoned."),
        a.ReassignOfficer: lambda: a.ReassignOfficer(officer="officer-22", reason="On leave."),
        a.DeclareConflict: lambda: a.DeclareConflict(statement="My brother works there."),
    }
    return makers[kind]()


def perform(case: Case, act: a.Act, actor: Actor, now: datetime = NOW) -> Case:
    """Return the case after the act."""
    return record(case, decide(case, act, actor, now), actor, kind_for(type(act), actor), now)[0]


def happen(case: Case, events: Iterable[e.Event], now: datetime = NOW) -> Case:
    """Return the case after events of the engine's own."""
    return record(case, events, SYSTEM, ActorKind.SYSTEM, now)[0]


def let_time_pass(case: Case, now: datetime) -> Case:
    """Return the case after everything that time brings about by ``now``, but for closing the feedback."""
    while events := tick(case, now):
        case = happen(case, events, now)
    return case


def close_feedback(case: Case, numbers: Iterable[int] = (), now: datetime | None = None) -> Case:
    """End the feedback period with these representations."""
    representations = Numbers.of(numbers)
    closed = e.FeedbackClosed(representations=representations, neutral=len(representations))
    return happen(case, [closed], now or NOW + timedelta(days=16))


def new_case(terms: Terms = TERMS) -> Case:
    """Return a case that has just been opened."""
    return Case(terms=terms)


def case_at(stage: Stage, terms: Terms = TERMS) -> Case:
    """Return a case that has come to this stage by acts and time alone."""
    case = new_case(terms)

    def go(kind: type[a.Act], actor: Actor) -> Case:
        return perform(case, act_of(kind, case), actor)

    if stage is Stage.NEW:
        return case
    if stage in {Stage.INVITED, Stage.DECLINED}:
        case = go(a.InviteEstablishment, SYSTEM)
        return case if stage is Stage.INVITED else go(a.DeclineInvitation, APPLICANT)
    if stage is Stage.LAPSED:
        return let_time_pass(case_at(Stage.RETURNED, terms), NOW + timedelta(days=60))
    case = go(a.SubmitApplication, APPLICANT)
    if stage is Stage.APPLICATION_REVIEW:
        return case
    if stage is Stage.RETURNED:
        return go(a.ReturnApplication, OFFICER)
    if stage is Stage.REJECTED:
        return go(a.RejectApplication, OFFICER)
    if stage is Stage.WITHDRAWN:
        return go(a.WithdrawApplication, APPLICANT)
    case = go(a.AcceptApplication, OFFICER)
    if stage is Stage.INSPECTION:
        return case
    case = go(a.ScheduleInspection, OFFICER)
    if stage is Stage.CORRECTIVE_ACTION:
        filed = a.FileInspection(visited_at=NOW, findings=findings(nonconformity()))
        return perform(case, filed, INSPECTOR)
    case = go(a.FileInspection, INSPECTOR)
    if stage is Stage.FEEDBACK:
        return case
    if stage is Stage.ANSWERING:
        return close_feedback(case, (1, 2, 3))
    case = close_feedback(case)
    if stage is Stage.REVIEW:
        return case
    case = go(a.Recommend, REVIEWER)
    if stage is Stage.DECISION:
        return case
    if stage is Stage.REFUSED:
        refused = a.Decide(outcome=a.Outcome.REFUSED, reasons="Not convincing.")
        return perform(case, refused, DECIDER)
    case = go(a.Decide, DECIDER)
    if stage is Stage.CERTIFIED:
        return case
    return happen(case, [e.CertificationExpired()], NOW + timedelta(days=1200))
