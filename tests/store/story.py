"""Cases told as the records that a workflow asks for, one for each act."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy.orm import Session

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import SYSTEM, Actor, ActorKind
from casework.domain.case import Case, Terms
from casework.domain.case import record as happen
from casework.domain.decide import decide
from casework.domain.numbers import Numbers
from casework.domain.openness import kind_for
from casework.domain.stages import Stage
from casework.store.cases import casebook
from casework.store.cases.calendars import keep_calendar
from casework.store.database import Database
from casework.store.outbox import NewNotice
from tests.sample_case import (
    APPLICANT,
    DECIDER,
    INSPECTOR,
    NOW,
    OFFICER,
    REVIEWER,
    TERMS,
    act_of,
)

_LIFE: tuple[tuple[Stage, type[a.Act] | None, Actor], ...] = (
    (Stage.APPLICATION_REVIEW, a.SubmitApplication, APPLICANT),
    (Stage.INSPECTION, a.AcceptApplication, OFFICER),
    (Stage.INSPECTION, a.ScheduleInspection, OFFICER),
    (Stage.FEEDBACK, a.FileInspection, INSPECTOR),
    (Stage.ANSWERING, None, SYSTEM),
    (Stage.REVIEW, a.DisposeRepresentations, OFFICER),
    (Stage.DECISION, a.Recommend, REVIEWER),
    (Stage.CERTIFIED, a.Decide, DECIDER),
)


class Moment(NamedTuple):
    """What happened at once: the lines, and the case after them."""

    case: Case
    events: tuple[e.Recorded, ...]


class Story:
    """A case under way, and every moment of it."""

    def __init__(self, case_id: str = TERMS.case_id, **terms: object) -> None:
        self.case = Case(terms=TERMS.model_copy(update={"case_id": case_id, **terms}))
        self.requests: list[Moment] = []

    @property
    def terms(self) -> Terms:
        return self.case.terms

    def act(self, act: a.Act, actor: Actor, now: datetime = NOW) -> Moment:
        """Decide an act and return the request that records it."""
        kind = kind_for(type(act), actor)
        return self.happen(decide(self.case, act, actor, now), actor, kind, now)

    def happen(
        self,
        events: Iterable[e.Event],
        actor: Actor = SYSTEM,
        kind: ActorKind = ActorKind.SYSTEM,
        now: datetime = NOW,
    ) -> Moment:
        """Let events happen and return the request that records them."""
        self.case, lines = happen(self.case, events, actor, kind, now)
        self.requests.append(Moment(self.case, lines))
        return self.requests[-1]

    def note(self, text: str = "Telephoned.") -> Moment:
        """Add a note, which every open case takes."""
        return self.act(a.AddNote(note=text), OFFICER)

    def close_feedback(self, numbers: Iterable[int]) -> Moment:
        """End the feedback period with these representations."""
        closed = e.FeedbackClosed(representations=Numbers.of(numbers))
        return self.happen([closed], now=NOW + timedelta(days=16))

    def lead_to(self, stage: Stage) -> "Story":
        """Go through the life of a case that is granted, up to a stage."""
        for reached, act, actor in _LIFE:
            if self.case.stage is stage and reached is not stage:
                break
            if act is None:
                self.close_feedback((1, 2, 3))
            else:
                self.act(act_of(act, self.case), establishment(actor, self.terms))
        return self


def establishment(actor: Actor, terms: Terms) -> Actor:
    """Return the actor, bound to the establishment of the case if it is the applicant."""
    if ActorKind.APPLICANT not in actor.kinds:
        return actor
    return actor.model_copy(update={"establishment": terms.establishment})


def record(session: Session, moment: Moment, notices: Sequence[NewNotice] = ()) -> None:
    """Record one moment, with the calendar that the case counts by."""
    keep_calendar(session, moment.case.terms.calendar)
    casebook.record(session, moment.case, moment.events, notices)


def put(
    database: Database, story: Story, notices: Sequence[NewNotice] = (), *, since: int = 0
) -> Story:
    """Record what the story asked for, one transaction each."""
    for request in story.requests[since:]:
        with database.writing() as session:
            due = [n for n in notices if any(n.seq == line.seq for line in request.events)]
            record(session, request, due)
    return story


def recorded(database: Database, stage: Stage, case_id: str = TERMS.case_id) -> Story:
    """Record the life of a case up to a stage."""
    return put(database, Story(case_id).lead_to(stage))
