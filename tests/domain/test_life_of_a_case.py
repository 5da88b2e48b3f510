"""Any life of a case, by any people, in any order: what always holds."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import STAFF, Actor, ActorKind
from casework.domain.case import Case, evolve, period_of, record
from casework.domain.deadlines import feedback_is_over, next_deadline, tick
from casework.domain.decide import decide
from casework.domain.numbers import Numbers
from casework.domain.openness import ACT_RULES, allowed_acts, bar, kind_for
from casework.domain.refusals import Refused
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from tests.sample_case import (
    ESTABLISHMENT,
    NO_CONFLICT,
    NOW,
    act_of,
    findings,
    new_case,
    nonconformity,
)

PEOPLE = tuple(
    Actor(person=f"person-{n}", kinds=tuple(sorted(STAFF)), establishment=None) for n in range(5)
)
APPLICANTS = tuple(
    Actor(person=f"applicant-{n}", kinds=(ActorKind.APPLICANT,), establishment=ESTABLISHMENT)
    for n in range(2)
)
SYSTEM_KIND = Actor(person="system", kinds=(ActorKind.SYSTEM,))


def _visit(now: datetime, inspector: Actor) -> a.ScheduleInspection:
    return a.ScheduleInspection(
        visit_at=now + timedelta(days=1), inspector=inspector.person, declaration=NO_CONFLICT
    )


class LifeOfACase(RuleBasedStateMachine):
    """Acts of every kind by people who hold every role, with time passing in between."""

    def __init__(self) -> None:
        """Open a case."""
        super().__init__()
        self.case: Case = new_case()
        self.journal: list[e.Recorded] = []
        self.now: datetime = NOW

    def happen(self, events: tuple[e.Event, ...], actor: Actor, kind: ActorKind) -> None:
        """Add events to case and journal."""
        self.case, lines = record(self.case, events, actor, kind, self.now)
        self.journal.extend(lines)

    def attempt(self, act: a.Act, actor: Actor) -> None:
        """Do the act if it is open; a refusal must change nothing and agree with the list of open acts."""
        before = self.case
        openness = {x.act: x for x in allowed_acts(before, actor, self.now)}[act.slug]
        refusal, events = None, ()
        try:
            events = decide(before, act, actor, self.now)
        except Refused as error:
            refusal = error.refusal
        assert self.case is before
        if not openness.is_open:
            assert refusal == openness.refusal
        if refusal is None:
            assert events
            self.happen(events, actor, kind_for(type(act), actor))
        else:
            assert refusal.reason

    @initialize(steps=st.integers(0, 9), representations=st.sets(st.integers(1, 9)))
    def come_some_way(self, steps: int, representations: set[int]) -> None:
        """Begin anywhere on the straight way from application to certification."""
        one, two, three, four = PEOPLE[:4]
        way: tuple[tuple[type[a.Act] | None, Actor], ...] = (
            (a.SubmitApplication, APPLICANTS[0]),
            (a.AcceptApplication, one),
            (a.ScheduleInspection, one),
            (a.FileInspection, two),
            (None, SYSTEM_KIND),
            (a.DisposeRepresentations, one),
            (a.Recommend, three),
            (a.Decide, four),
        )
        for kind, actor in way[:steps]:
            if kind is None:
                self.time_passes(24 * 20)
                self.the_feedback_is_closed(representations)
            elif kind is a.ScheduleInspection:
                self.attempt(_visit(self.now, two), actor)
            else:
                self.attempt(act_of(kind, self.case, self.now), actor)

    @rule(
        kind=st.sampled_from(list(ACT_RULES)),
        actor=st.sampled_from([*PEOPLE, *APPLICANTS, SYSTEM_KIND]),
    )
    def somebody_does_something(self, kind: type[a.Act], actor: Actor) -> None:
        """Any act by anybody."""
        self.attempt(act_of(kind, self.case, self.now), actor)

    @rule(actor=st.sampled_from(PEOPLE), data=st.data())
    def somebody_does_what_is_open(self, actor: Actor, data: st.DataObject) -> None:
        """So that runs come further than chance would bring them."""
        pool = [
            (act, who)
            for who in (actor, *APPLICANTS, SYSTEM_KIND)
            for act in ACT_RULES
            if act not in {a.WithdrawApplication, a.RejectApplication, a.DeclareConflict}
            and bar(self.case, act, who, self.now) is None
        ]
        if pool:
            kind, who = data.draw(st.sampled_from(pool))
            self.attempt(act_of(kind, self.case, self.now), who)

    @rule(
        inspector=st.sampled_from(PEOPLE),
        officer=st.sampled_from(PEOPLE),
        grade=st.sampled_from([Grade.MINOR, Grade.MAJOR, Grade.CONFORMITY]),
        code=st.sampled_from(["C-1", "C-2", "C-3"]),
    )
    def a_visit_finds_something(
        self, inspector: Actor, officer: Actor, grade: Grade, code: str
    ) -> None:
        """Schedule and file with one finding of any grade."""
        self.attempt(_visit(self.now, inspector), officer)
        found = nonconformity(code, grade)
        self.attempt(a.FileInspection(visited_at=self.now, findings=findings(found)), inspector)

    @rule(
        decider=st.sampled_from(PEOPLE),
        outcome=st.sampled_from(a.Outcome),
        back_to=st.sampled_from([*Stage, None]),
    )
    def a_decision_is_made(self, decider: Actor, outcome: a.Outcome, back_to: Stage | None) -> None:
        """Of any kind, back to any stage."""
        asked = (a.ReturnedItem(item="more", reason="More."),) if back_to else ()
        act = a.Decide(outcome=outcome, reasons="So be it.", back_to=back_to, asked=asked)
        self.attempt(act, decider)

    @rule(hours=st.integers(min_value=1, max_value=24 * 60))
    def time_passes(self, hours: int) -> None:
        """Up to two months; everything that falls due happens."""
        self.now += timedelta(hours=hours)
        while events := tick(self.case, self.now):
            self.happen(events, SYSTEM_KIND, ActorKind.SYSTEM)

    @rule(representations=st.sets(st.integers(1, 9)))
    def the_feedback_is_closed(self, representations: set[int]) -> None:
        """With any representations."""
        if feedback_is_over(self.case, self.now):
            closed = e.FeedbackClosed(representations=Numbers.of(representations))
            self.happen((closed,), SYSTEM_KIND, ActorKind.SYSTEM)

    @invariant()
    def the_case_is_what_its_journal_adds_up_to(self) -> None:
        """Folding the journal gives the case, and a snapshot comes back unchanged."""
        folded = new_case()
        for line in self.journal:
            again = e.Recorded.model_validate_json(line.model_dump_json())
            folded = evolve(folded, again)
        assert folded == self.case
        assert [line.seq for line in self.journal] == list(range(1, self.case.version + 1))
        assert Case.restore(self.case.terms, self.case.snapshot()) == self.case

    @invariant()
    def the_duties_are_never_in_one_hand(self) -> None:
        """Inspectors, reviewers and deciders of a case are different people."""
        hands = [set(self.case.inspectors), set(self.case.reviewers), set(self.case.deciders)]
        assert len(set.union(*hands)) == sum(map(len, hands))

    @invariant()
    def nobody_has_the_last_word_before_the_community_is_answered(self) -> None:
        """A case at review or later has no representation without an answer."""
        if self.case.stage in {Stage.REVIEW, Stage.DECISION, Stage.CERTIFIED, Stage.REFUSED}:
            assert not self.case.unanswered

    @invariant()
    def a_certified_case_passes_its_program(self) -> None:
        """No grant without the pass rule."""
        if self.case.stage is Stage.CERTIFIED:
            assert self.case.assessment().passed
            assert self.case.level

    @invariant()
    def the_next_deadline_is_past_exactly_when_something_is_due(self) -> None:
        """Otherwise the loop of the workflow would spin, or sleep through."""
        due = next_deadline(self.case, self.now)
        waiting = bool(tick(self.case, self.now)) or feedback_is_over(self.case, self.now)
        assert (due is not None and due <= self.now) == waiting

    @invariant()
    def the_clock_has_no_gap(self) -> None:
        """Each interval begins where the one before ended, and the last runs exactly while a period does."""
        clock = self.case.clock
        for before, after in pairwise(clock):
            assert before.until == after.since
        running = period_of(self.case)
        assert bool(clock and clock[-1].until is None) == (running is not None)
        if running:
            assert self.case.running is not None
            assert self.case.running.period is running

    @invariant()
    def a_closed_case_is_closed_to_everybody(self) -> None:
        """Nothing is open after the end."""
        if self.case.is_closed:
            for actor in (*PEOPLE, *APPLICANTS):
                assert not any(x.is_open for x in allowed_acts(self.case, actor, self.now))


TestLifeOfACase = LifeOfACase.TestCase
TestLifeOfACase.settings = settings(max_examples=100, stateful_step_count=30)
