"""A case and how events change it: the only door through which a stage changes."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Self

from pydantic import field_validator

from casework.domain import events as e
from casework.domain._model import Code, Compact, Frozen, Instant, ProvinceCode, Ref, Row
from casework.domain.actors import Actor, ActorKind, ActorRef
from casework.domain.acts import Advice, Outcome, ReturnedItem
from casework.domain.calendar import WorkCalendar, due_at, local_date, shift
from casework.domain.numbers import Numbers
from casework.domain.rules import HOLDERS, NONCONFORMITIES, Holder, PeriodName, ProgramRules
from casework.domain.scoring import Assessment, Standing, assess, must_close
from casework.domain.stages import CLOSED, Stage, check_transition

_RULES: dict[tuple[str, str], ProgramRules] = {}


class Terms(Frozen):
    """What is fixed when a case opens; only the calendar is ever replaced, by ``CalendarAdopted``."""

    case_id: Ref
    establishment: Ref
    province: ProvinceCode
    rules: ProgramRules
    calendar: WorkCalendar

    @field_validator("rules")
    @classmethod
    def _kept_once(cls, rules: ProgramRules) -> ProgramRules:
        """Have one copy of the same rules, however many cases a worker has in memory."""
        known = _RULES.setdefault((rules.program, rules.version), rules)
        return known if known == rules else rules

    def reference(self) -> "TermsRef":
        """Name these terms without repeating them."""
        return TermsRef(
            case_id=self.case_id,
            establishment=self.establishment,
            province=self.province,
            program=self.rules.program,
            version=self.rules.version,
            calendar=self.calendar.revision,
        )


class TermsRef(Row):
    """The terms of a case by name: rules by program and version, the calendar by its revision."""

    case_id: Ref
    establishment: Ref
    province: ProvinceCode
    program: Code
    version: Code
    calendar: str


class Interval(Row):
    """A stretch of time in which the case waited for somebody; ``until`` is None while it runs."""

    period: PeriodName
    since: Instant
    until: Instant | None = None

    @property
    def holder(self) -> Holder:
        """Who the case waited for."""
        return HOLDERS[self.period]


class Running(Compact):
    """The period that runs now. ``used`` counts working days of an earlier stretch, ``extended_by`` the days added."""

    period: PeriodName
    since: Instant
    due_at: Instant
    used: int = 0
    extended_by: int = 0
    reminded: int = 0
    escalated: int = 0


class Case(Compact):
    """One enrollment as its events add up. Holds references and codes, nothing personal and no file."""

    terms: Terms
    version: int = 0
    stage: Stage = Stage.NEW
    opened_at: Instant | None = None
    changed_at: Instant | None = None
    running: Running | None = None
    clock: tuple[Interval, ...] = ()
    contact: Ref | None = None
    officer: Ref | None = None
    inspector: Ref | None = None
    visit_at: Instant | None = None
    items_to_answer: tuple[Code, ...] = ()
    items_named: tuple[Code, ...] = ()
    applicants: tuple[Ref, ...] = ()
    inspectors: tuple[Ref, ...] = ()
    reviewers: tuple[Ref, ...] = ()
    deciders: tuple[Ref, ...] = ()
    conflicts: tuple[Ref, ...] = ()
    standings: tuple[Standing, ...] = ()
    to_verify: tuple[Code, ...] = ()
    unanswered: Numbers = Numbers()
    advice: Advice | None = None
    level: Code | None = None
    granted_at: Instant | None = None
    valid_until: Instant | None = None
    publication_due: int | None = None
    register_entry: int | None = None

    @property
    def case_id(self) -> str:
        """The id of the case, equal to the id of its workflow."""
        return self.terms.case_id

    @property
    def is_closed(self) -> bool:
        """Say whether the case has ended."""
        return self.stage in CLOSED

    def assessment(self) -> Assessment:
        """Score the findings on file by the program's rule."""
        return assess(self.terms.rules, self.standings)

    def to_correct(self) -> tuple[str, ...]:
        """Return the criteria whose nonconformities the program wants closed before feedback opens."""
        return must_close(self.terms.rules, self.standings)

    def snapshot(self) -> str:
        """Write everything but the terms as JSON, for the read model."""
        return self.model_dump_json(exclude={"terms"})

    @classmethod
    def restore(cls, terms: Terms, snapshot: str) -> Self:
        """Read a :meth:`snapshot` back under its terms."""
        return cls.model_validate({**json.loads(snapshot), "terms": terms})


def period_of(case: Case) -> PeriodName | None:
    """Return the period that runs at the case's stage, or None once it is closed."""
    if case.stage is Stage.CORRECTIVE_ACTION:
        return PeriodName.VERIFICATION if case.to_verify else PeriodName.CORRECTIVE_ACTION
    return _PERIOD_OF_STAGE.get(case.stage)


_PERIOD_OF_STAGE = {
    Stage.INVITED: PeriodName.INVITATION,
    Stage.APPLICATION_REVIEW: PeriodName.APPLICATION_REVIEW,
    Stage.RETURNED: PeriodName.RESUBMISSION,
    Stage.INSPECTION: PeriodName.INSPECTION,
    Stage.FEEDBACK: PeriodName.FEEDBACK,
    Stage.ANSWERING: PeriodName.ANSWERING,
    Stage.REVIEW: PeriodName.REVIEW,
    Stage.DECISION: PeriodName.DECISION,
    Stage.CERTIFIED: PeriodName.VALIDITY,
}


def evolve(case: Case, recorded: e.Recorded) -> Case:
    """Return the case after one more event.

    Raises :class:`ValueError` for an event out of order and
    :class:`~casework.domain.stages.ImpossibleTransition` for a change of stage that the table does not list.
    """
    if recorded.seq != case.version + 1:
        raise ValueError(f"event {recorded.seq} does not follow version {case.version}")
    changed = _change(case, recorded)
    changed = changed.model_copy(
        update={
            "version": recorded.seq,
            "changed_at": recorded.at,
            "opened_at": case.opened_at or recorded.at,
        }
    )
    if changed.stage is not case.stage:
        check_transition(case.stage, recorded.event.type, changed.stage)
    if changed.stage is not case.stage or period_of(changed) is not period_of(case):
        changed = _start_period(changed, recorded.at)
    if isinstance(recorded.event, e.FeedbackOpened) and case.stage is Stage.FEEDBACK:
        changed = _start_period(changed, recorded.at)
    return changed


def record(
    case: Case,
    happened: Iterable[e.Event],
    actor: Actor,
    kind: ActorKind,
    now: datetime,
    request: str | None = None,
) -> tuple[Case, tuple[e.Recorded, ...]]:
    """Give events their place in the journal and return the case after them."""
    lines: list[e.Recorded] = []
    by = ActorRef(person=actor.person, kind=kind)
    for event in happened:
        line = e.Recorded(seq=case.version + 1, at=now, actor=by, event=event, request=request)
        case = evolve(case, line)
        lines.append(line)
    return case, tuple(lines)


def _change(case: Case, recorded: e.Recorded) -> Case:
    """Return the case with what the event says; version and period are the caller's."""
    who = recorded.actor.person
    match recorded.event:
        case e.EstablishmentInvited():
            update = {"stage": Stage.INVITED}
        case e.InvitationDeclined():
            update = {"stage": Stage.DECLINED}
        case e.ApplicationSubmitted() as event:
            update = {
                "stage": Stage.APPLICATION_REVIEW,
                "contact": event.contact,
                "applicants": _with(case.applicants, who),
            }
        case e.ApplicationAccepted():
            update = {"stage": Stage.INSPECTION, "officer": case.officer or who}
        case e.ApplicationReturned() as event:
            update = {
                "stage": Stage.RETURNED,
                "officer": case.officer or _officer(recorded),
                **_asked_for(case, event.items),
            }
        case e.ApplicationRejected():
            update = {"stage": Stage.REJECTED}
        case e.ApplicationResubmitted():
            update = {
                "stage": Stage.APPLICATION_REVIEW,
                "items_to_answer": (),
                "applicants": _with(case.applicants, who),
            }
        case e.InspectionScheduled() | e.InspectionRescheduled() as event:
            update = {"visit_at": event.visit_at, "inspector": event.inspector}
        case e.InspectionFiled() as event:
            update = {
                "stage": Stage.CORRECTIVE_ACTION if event.to_correct else case.stage,
                "visit_at": None,  # It took place; what was planned is in the journal.
                "inspectors": _with(case.inspectors, who),
                "standings": tuple(
                    Standing(code=f.criterion, grade=f.grade) for f in event.findings
                ),
            }
        case e.CorrectiveActionSubmitted() as event:
            update = {
                "to_verify": tuple(a.criterion for a in event.actions),
                "applicants": _with(case.applicants, who),
            }
        case e.CorrectiveActionVerified() as event:
            accepted = {v.criterion for v in event.verdicts if v.accepted}
            update = {
                "to_verify": (),
                "inspectors": _with(case.inspectors, who),
                "standings": tuple(
                    s.model_copy(update={"closed": True})
                    if s.code in accepted and s.grade in NONCONFORMITIES
                    else s
                    for s in case.standings
                ),
            }
        case e.FeedbackOpened():
            update = {"stage": Stage.FEEDBACK}
        case e.FeedbackExtended() as event:
            running = _running(case)
            extended_by = running.extended_by + event.days
            update = {
                "running": running.model_copy(
                    update={"due_at": event.closes_at, "extended_by": extended_by}
                )
            }
        case e.FeedbackClosed() as event:
            update = {
                "stage": Stage.ANSWERING if event.representations else Stage.REVIEW,
                "unanswered": event.representations,
            }
        case e.RepresentationsDisposed() as event:
            unanswered = case.unanswered.minus(event.numbers)
            update = {
                "unanswered": unanswered,
                "stage": case.stage if unanswered else Stage.REVIEW,
            }
        case e.RecommendationMade() as event:
            update = {
                "stage": Stage.DECISION,
                "advice": event.advice,
                "reviewers": _with(case.reviewers, who),
            }
        case e.DecisionMade() as event:
            update = _decided(case, event, recorded)
        case e.ApplicationWithdrawn():
            update = {"stage": Stage.WITHDRAWN}
        case e.NoteAdded():
            update = {}
        case e.OfficerReassigned() as event:
            update = {"officer": event.officer}
        case e.ConflictDeclared() as event:
            update = {"conflicts": _with(case.conflicts, event.person)}
            if event.person == case.inspector and case.stage is Stage.INSPECTION:
                update |= {"inspector": None, "visit_at": None}
        case e.DeadlineReminded() as event:
            update = {"running": _running(case).model_copy(update={"reminded": event.number})}
        case e.DeadlineEscalated() as event:
            update = {"running": _running(case).model_copy(update={"escalated": event.number})}
        case e.CaseLapsed():
            update = {"stage": Stage.LAPSED}
        case e.CertificationPublished() as event:
            due = case.publication_due
            update = {
                "register_entry": event.entry,
                "publication_due": None if due is not None and due <= event.version else due,
            }
        case e.CertificationExpired():
            update = {"stage": Stage.EXPIRED, "publication_due": recorded.seq}
        case e.CalendarAdopted() as event:
            return _with_calendar(case, event.calendar)
    return case.model_copy(update=update)


def _decided(case: Case, event: e.DecisionMade, recorded: e.Recorded) -> dict[str, object]:
    update: dict[str, object] = {"deciders": _with(case.deciders, recorded.actor.person)}
    match event.outcome:
        case Outcome.GRANTED:
            update |= {
                "stage": Stage.CERTIFIED,
                "level": event.level,
                "granted_at": recorded.at,
                "valid_until": event.valid_until,
                "publication_due": recorded.seq,
            }
        case Outcome.REFUSED:
            update |= {"stage": Stage.REFUSED}
        case Outcome.DEFERRED:
            # Advice given on the old facts counts no more; findings stay unless the visit is asked again.
            update |= {"stage": event.back_to, "advice": None}
            if event.back_to is Stage.RETURNED:
                update |= _asked_for(case, event.asked)
            if event.back_to in {Stage.RETURNED, Stage.INSPECTION}:
                update |= {"standings": (), "inspector": None, "visit_at": None}
    return update


def _officer(recorded: e.Recorded) -> str | None:
    """Return the officer who did this; a supervisor who returns an application does not take the case over."""
    return recorded.actor.person if recorded.actor.kind is ActorKind.OFFICER else None


def _asked_for(case: Case, items: Iterable[ReturnedItem]) -> dict[str, object]:
    """Keep what is asked now, and everything that ever was: later returns are held to it."""
    codes = tuple(item.item for item in items)
    named = (*case.items_named, *(code for code in codes if code not in case.items_named))
    return {"items_to_answer": codes, "items_named": named}


def _with(people: tuple[str, ...], person: str) -> tuple[str, ...]:
    return people if person in people else (*people, person)


def _running(case: Case) -> Running:
    if case.running is None:
        raise ValueError(f"no period runs at {case.stage}")
    return case.running


def _start_period(case: Case, at: datetime) -> Case:
    """Close the running interval and start the period of the case's stage, if it has one."""
    clock = tuple(i if i.until else i.model_copy(update={"until": at}) for i in case.clock)
    name = period_of(case)
    if name is None:
        return case.model_copy(update={"running": None, "clock": clock})
    rules = case.terms.rules.periods[name]
    used = _used_days(clock, name, case.terms.calendar)
    if name is PeriodName.VALIDITY and case.valid_until:
        due = case.valid_until
    else:
        due = due_at(rules, at, case.terms.calendar, used=used)
    # A reminder whose day is already gone when the clock resumes would say nothing new.
    reminded = sum(shift(due, -before, rules.unit) <= at for before in rules.reminders)
    running = Running(period=name, since=at, due_at=due, used=used, reminded=reminded)
    return case.model_copy(
        update={"running": running, "clock": (*clock, Interval(period=name, since=at))}
    )


def _used_days(clock: tuple[Interval, ...], name: PeriodName, calendar: WorkCalendar) -> int:
    """Count the working days the office used before it returned the application.

    Only the review of an application resumes; every other period starts anew each time.
    """
    if name is not PeriodName.APPLICATION_REVIEW:
        return 0
    used = 0
    for interval in reversed(clock):
        if interval.period is PeriodName.APPLICATION_REVIEW and interval.until:
            used += calendar.working_days(local_date(interval.since), local_date(interval.until))
        elif interval.period is not PeriodName.RESUBMISSION:
            break
    return used


def _with_calendar(case: Case, calendar: WorkCalendar) -> Case:
    terms = case.terms.model_copy(update={"calendar": calendar})
    running = case.running
    if running is not None and running.period is not PeriodName.VALIDITY:
        due = due_at(
            terms.rules.periods[running.period],
            running.since,
            calendar,
            used=running.used,
            extended_by=running.extended_by,
        )
        running = running.model_copy(update={"due_at": due})
    return case.model_copy(update={"terms": terms, "running": running})
