"""What each act takes, beyond being open."""

from datetime import timedelta

import pytest

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import Actor, ActorKind
from casework.domain.decide import decide
from casework.domain.openness import allowed_acts, bar
from casework.domain.refusals import RefusalCode, Refused
from casework.domain.rules import EvidenceRule, Grade, PeriodName
from casework.domain.stages import Stage
from tests.sample_case import (
    APPLICANT,
    DECIDER,
    INSPECTOR,
    NO_CONFLICT,
    NOW,
    OFFICER,
    REVIEWER,
    RULES,
    STRANGER,
    SUPERVISOR,
    TERMS,
    act_of,
    case_at,
    close_feedback,
    findings,
    nonconformity,
    perform,
)


def scheduled():
    """Return a case whose visit is scheduled."""
    case = case_at(Stage.INSPECTION)
    return perform(case, act_of(a.ScheduleInspection, case), OFFICER)


def refused(case, act: a.Act, actor: Actor, now=NOW):
    """Return the refusal that this act meets."""
    with pytest.raises(Refused) as caught:
        decide(case, act, actor, now)
    return caught.value.refusal


class TestImpartiality:
    """Who inspects does not review, who reviews does not decide, who has a conflict does nothing."""

    everything = tuple(kind for kind in ActorKind if kind is not ActorKind.APPLICANT)

    def test_the_inspector_neither_reviews_nor_decides(self) -> None:
        """Whatever kinds they hold."""
        both = Actor(person=INSPECTOR.person, kinds=self.everything)
        for stage, act in ((Stage.REVIEW, a.Recommend), (Stage.DECISION, a.Decide)):
            refusal = bar(case_at(stage), act, both, NOW)
            assert refusal is not None
            assert refusal.code == RefusalCode.INSPECTED_THIS_CASE

    def test_the_reviewer_does_not_decide(self) -> None:
        """Whatever kinds they hold."""
        both = Actor(person=REVIEWER.person, kinds=self.everything)
        refusal = bar(case_at(Stage.DECISION), a.Decide, both, NOW)
        assert refusal is not None
        assert refusal.code == RefusalCode.REVIEWED_THIS_CASE

    def test_who_deferred_a_decision_cannot_be_named_inspector_of_the_new_visit(self) -> None:
        """A second round does not mix the duties either."""
        case = case_at(Stage.DECISION)
        deferred = a.Decide(
            outcome=a.Outcome.DEFERRED,
            reasons="Visit again.",
            back_to=Stage.INSPECTION,
            asked=(a.ReturnedItem(item="visit", reason="The pond was not seen."),),
        )
        case = perform(case, deferred, DECIDER)
        act = a.ScheduleInspection(
            visit_at=NOW + timedelta(days=3), inspector=DECIDER.person, declaration=NO_CONFLICT
        )
        refusal = refused(case, act, OFFICER)
        assert refusal.code == RefusalCode.REVIEWED_THIS_CASE
        assert refusal.pointer == "/inspector"

    def test_a_declared_conflict_bars_every_act(self) -> None:
        """And takes the visit away from an inspector who has one."""
        case = perform(scheduled(), a.DeclareConflict(statement="My cousin."), INSPECTOR)
        assert case.visit_at is None
        for answer in allowed_acts(
            case, Actor(person=INSPECTOR.person, kinds=self.everything), NOW
        ):
            assert not answer.is_open

    def test_only_a_supervisor_declares_for_somebody_else(self) -> None:
        """Anybody declares their own."""
        act = a.DeclareConflict(person=REVIEWER.person, statement="Shares in the plant.")
        case = case_at(Stage.REVIEW)
        assert refused(case, act, OFFICER).pointer == "/person"
        case = perform(case, act, SUPERVISOR)
        refusal = bar(case, a.Recommend, REVIEWER, NOW)
        assert refusal is not None
        assert refusal.code == RefusalCode.CONFLICT_DECLARED

    def test_an_inspector_who_declares_a_conflict_is_not_named(self) -> None:
        """The visit is not scheduled with them."""
        act = a.ScheduleInspection(
            visit_at=NOW + timedelta(days=3),
            inspector=INSPECTOR.person,
            declaration=a.ConflictDeclaration(has_conflict=True, statement="I worked there."),
        )
        assert (
            refused(case_at(Stage.INSPECTION), act, OFFICER).code
            == RefusalCode.INSPECTOR_HAS_CONFLICT
        )

    def test_who_applied_does_nothing_official(self) -> None:
        """An officer who acted for the applicant is out."""
        both = Actor(person=APPLICANT.person, kinds=self.everything)
        refusal = bar(case_at(Stage.APPLICATION_REVIEW), a.AcceptApplication, both, NOW)
        assert refusal is not None
        assert refusal.code == RefusalCode.APPLIED_FOR_THIS_CASE


def test_an_applicant_acts_for_their_own_establishment_alone() -> None:
    """The token is bound to one."""
    refusal = bar(case_at(Stage.RETURNED), a.ResubmitApplication, STRANGER, NOW)
    assert refusal is not None
    assert refusal.code == RefusalCode.NOT_YOUR_ESTABLISHMENT


def test_each_returned_item_is_answered_once() -> None:
    """A missing, a spare and a doubled answer are named."""
    case = case_at(Stage.RETURNED)
    spare = a.ResubmitApplication(answers=(a.AnsweredItem(item="plan", answer="Here."),))
    refusal = refused(case, spare, APPLICANT)
    assert refusal.code == RefusalCode.ITEMS_DO_NOT_MATCH
    assert "missing: map" in refusal.reason
    assert "plan" in refusal.reason


def returned_once(*items: str):
    """Return a case whose application came back for these items and is at review again."""
    act = a.ReturnApplication(items=tuple(a.ReturnedItem(item=i, reason="Missing.") for i in items))
    case = perform(case_at(Stage.APPLICATION_REVIEW), act, OFFICER)
    return perform(case, act_of(a.ResubmitApplication, case), APPLICANT)


def test_an_item_that_the_program_does_not_have_cannot_be_returned() -> None:
    """Neither by an officer nor by whoever defers the decision; the item is named."""
    unknown = (a.ReturnedItem(item="map", reason="Old."), a.ReturnedItem(item="mop", reason="?"))
    refusal = refused(
        case_at(Stage.APPLICATION_REVIEW), a.ReturnApplication(items=unknown), OFFICER
    )
    assert (refusal.code, refusal.pointer) == (RefusalCode.ITEM_UNKNOWN, "/items/1/item")
    assert "mop" in refusal.reason
    deferred = a.Decide(
        outcome=a.Outcome.DEFERRED, reasons="More.", back_to=Stage.RETURNED, asked=unknown
    )
    assert refused(case_at(Stage.DECISION), deferred, DECIDER).pointer == "/asked/1/item"


def test_a_second_return_names_nothing_new() -> None:
    """What is missing is asked at once: an officer comes back only to what was named before."""
    case = returned_once("map", "plan")
    again = a.ReturnApplication(items=(a.ReturnedItem(item="plan", reason="Illegible."),))
    more = a.ReturnApplication(
        items=(*again.items, a.ReturnedItem(item="license", reason="Forgotten."))
    )
    refusal = refused(case, more, OFFICER)
    assert (refusal.code, refusal.pointer) == (RefusalCode.ITEM_NAMED_LATE, "/items/1/item")
    assert "license" in refusal.reason
    assert perform(case, again, OFFICER).items_to_answer == ("plan",)


def test_a_supervisor_may_ask_for_something_new_and_then_it_is_named() -> None:
    """The case stays with its officer."""
    case = returned_once("map")
    more = a.ReturnApplication(items=(a.ReturnedItem(item="license", reason="It is needed."),))
    case = perform(case, more, SUPERVISOR)
    assert case.officer == OFFICER.person
    case = perform(case, act_of(a.ResubmitApplication, case), APPLICANT)
    assert perform(case, more, OFFICER).items_to_answer == ("license",)


def test_a_minor_finding_is_refused_where_any_lapse_is_major() -> None:
    """By a rule of the program, not of the engine."""
    criteria = tuple(
        c.model_copy(update={"minor_allowed": c.code != "C-2"}) for c in RULES.criteria
    )
    terms = TERMS.model_copy(update={"rules": RULES.model_copy(update={"criteria": criteria})})
    case = case_at(Stage.INSPECTION, terms)
    case = perform(case, act_of(a.ScheduleInspection, case), OFFICER)
    found = findings(nonconformity("C-2", Grade.MINOR))
    refusal = refused(case, a.FileInspection(visited_at=NOW, findings=found), INSPECTOR)
    assert (refusal.code, refusal.pointer) == (RefusalCode.GRADE_NOT_ALLOWED, "/findings/1/grade")
    assert "C-2" in refusal.reason


def test_a_minor_finding_on_a_knock_out_leads_to_corrective_action() -> None:
    """It bars a grant while it is open, so it is corrected before the community is asked."""
    minor = nonconformity("C-2", Grade.MINOR)
    filed = a.FileInspection(visited_at=NOW, findings=findings(minor))
    case = perform(scheduled(), filed, INSPECTOR)
    assert case.stage is Stage.CORRECTIVE_ACTION
    assert case.to_correct() == ("C-2",)


def test_a_visit_is_scheduled_for_the_future_and_filed_after_it() -> None:
    """Both ways round are refused with the field."""
    act = act_of(a.ScheduleInspection, case_at(Stage.INSPECTION), NOW - timedelta(days=30))
    assert refused(case_at(Stage.INSPECTION), act, OFFICER).code == RefusalCode.VISIT_IN_THE_PAST
    early = a.FileInspection(visited_at=NOW + timedelta(hours=1), findings=findings())
    assert refused(scheduled(), early, INSPECTOR).pointer == "/visited_at"


@pytest.mark.parametrize(
    ("finding", "code", "pointer"),
    [
        (
            a.Finding(criterion="C-9", grade=Grade.CONFORMITY),
            RefusalCode.CRITERION_UNKNOWN,
            "/findings/0/criterion",
        ),
        (
            a.Finding(criterion="C-1", grade=Grade.NOT_APPLICABLE),
            RefusalCode.GRADE_NOT_ALLOWED,
            "/findings/0/grade",
        ),
        (
            a.Finding(criterion="C-1", grade=Grade.CONFORMITY),
            RefusalCode.EVIDENCE_REQUIRED,
            "/findings/0/evidence",
        ),
        (
            a.Finding(criterion="C-2", grade=Grade.MINOR, remark="Dusty."),
            RefusalCode.EVIDENCE_REQUIRED,
            "/findings/0/evidence",
        ),
        (
            nonconformity("C-2").model_copy(update={"remark": None}),
            RefusalCode.FINDINGS_INCOMPLETE,
            "/findings/0/remark",
        ),
        (nonconformity("C-1"), RefusalCode.FINDINGS_INCOMPLETE, "/findings"),
    ],
)
def test_an_unsound_finding_is_named(finding: a.Finding, code: RefusalCode, pointer: str) -> None:
    """With its place in the act."""
    act = a.FileInspection(visited_at=NOW, findings=(finding,))
    refusal = refused(scheduled(), act, INSPECTOR)
    assert (refusal.code, refusal.pointer) == (code, pointer)


def test_corrective_action_goes_on_until_each_is_accepted() -> None:
    """What the inspector does not accept goes back to the establishment with a new period."""
    case = case_at(Stage.CORRECTIVE_ACTION)
    assert case.running is not None
    assert case.running.period is PeriodName.CORRECTIVE_ACTION
    case = perform(case, act_of(a.SubmitCorrectiveAction, case), APPLICANT)
    assert case.running is not None
    assert case.running.period is PeriodName.VERIFICATION
    no = a.VerifyCorrectiveAction(verdicts=(a.Verdict(criterion="C-1", accepted=False),))
    case = perform(case, no, INSPECTOR)
    assert case.stage is Stage.CORRECTIVE_ACTION
    assert case.to_correct() == ("C-1",)
    case = perform(case, act_of(a.SubmitCorrectiveAction, case), APPLICANT)
    case = perform(case, act_of(a.VerifyCorrectiveAction, case), INSPECTOR)
    assert case.stage is Stage.FEEDBACK
    assert case.assessment().passed


def test_nobody_recommends_before_each_representation_is_answered() -> None:
    """Answers may come one by one or many at once; the last one opens the review."""
    case = case_at(Stage.ANSWERING)

    def dispose(*numbers: int) -> a.DisposeRepresentations:
        return a.DisposeRepresentations(
            numbers=numbers, disposition=a.Disposition.UPHELD, answer="You are right."
        )

    case = perform(case, dispose(2), OFFICER)
    assert case.stage is Stage.ANSWERING
    assert bar(case, a.Recommend, REVIEWER, NOW) is not None
    assert refused(case, dispose(1, 2), OFFICER).pointer == "/numbers/1"
    case = perform(case, dispose(3, 1), OFFICER)
    assert case.stage is Stage.REVIEW


def test_a_grant_is_closed_and_a_refusal_open_while_the_pass_rule_is_not_met() -> None:
    """The open act says which of its choices is not, and why."""
    # Everything that can be corrected is; a program in which nothing applies is what is left to bar a grant.
    criteria = tuple(
        c.model_copy(update={"not_applicable_allowed": True, "evidence": EvidenceRule.OPTIONAL})
        for c in RULES.criteria
    )
    terms = TERMS.model_copy(update={"rules": RULES.model_copy(update={"criteria": criteria})})
    case = case_at(Stage.INSPECTION, terms)
    case = perform(case, act_of(a.ScheduleInspection, case), OFFICER)
    nothing = tuple(
        a.Finding(criterion=c.code, grade=Grade.NOT_APPLICABLE, remark="Idle.") for c in criteria
    )
    case = perform(case, a.FileInspection(visited_at=NOW, findings=nothing), INSPECTOR)
    case = close_feedback(case)
    advice = a.Recommend(advice=a.Advice.GRANT, reasons="Good enough.")
    refusal = refused(case, advice, REVIEWER)
    assert refusal.code == RefusalCode.PASS_RULE_NOT_MET
    assert "No criterion is applicable" in refusal.reason
    case = perform(case, a.Recommend(advice=a.Advice.REFUSE, reasons="Nothing shown."), REVIEWER)
    decide_row = next(x for x in allowed_acts(case, DECIDER, NOW) if x.act == "decide")
    assert decide_row.is_open
    assert [bar.choice for bar in decide_row.closed_choices] == ["granted"]
    case = perform(case, a.Decide(outcome=a.Outcome.REFUSED, reasons="Nothing shown."), DECIDER)
    assert case.stage is Stage.REFUSED


def test_a_deferral_names_a_stage_and_what_is_asked() -> None:
    """And a decision that is none names neither."""
    case = case_at(Stage.DECISION)
    asked = (a.ReturnedItem(item="map", reason="Unclear."),)

    def decision(outcome: a.Outcome, **more: object) -> a.Decide:
        return a.Decide.model_validate({"outcome": outcome, "reasons": "So.", **more})

    deferred = a.Outcome.DEFERRED
    assert refused(case, decision(deferred, asked=asked), DECIDER).pointer == "/back_to"
    assert (
        refused(case, decision(deferred, back_to=Stage.ANSWERING, asked=asked), DECIDER).pointer
        == "/back_to"
    )
    assert refused(case, decision(deferred, back_to=Stage.REVIEW), DECIDER).pointer == "/asked"
    granted = decision(a.Outcome.GRANTED, back_to=Stage.REVIEW)
    assert refused(case, granted, DECIDER).code == RefusalCode.DEFERRAL_INCOMPLETE


@pytest.mark.parametrize("target", [Stage.RETURNED, Stage.INSPECTION, Stage.FEEDBACK, Stage.REVIEW])
def test_a_deferred_case_starts_again_where_it_was_sent(target: Stage) -> None:
    """Old advice counts no more, and findings go when the visit is asked again."""
    act = a.Decide(
        outcome=a.Outcome.DEFERRED,
        reasons="More is needed.",
        back_to=target,
        asked=(a.ReturnedItem(item="map", reason="Unclear."),),
    )
    case = perform(case_at(Stage.DECISION), act, DECIDER)
    assert case.stage is target
    assert case.advice is None
    assert bool(case.standings) == (target in {Stage.FEEDBACK, Stage.REVIEW})
    assert case.items_to_answer == (("map",) if target is Stage.RETURNED else ())
    assert case.running is not None
    assert case.running.since == NOW


def test_feedback_can_be_extended_until_it_is_over() -> None:
    """The new end counts from the first day of the period; afterwards it is too late."""
    case = case_at(Stage.FEEDBACK)
    assert case.running is not None
    was = case.running.due_at
    case = perform(case, a.ExtendFeedback(days=7, reason="Holiday."), SUPERVISOR)
    assert case.running is not None
    assert case.running.due_at >= was + timedelta(days=6)
    late = bar(case, a.ExtendFeedback, SUPERVISOR, case.running.due_at)
    assert late is not None
    assert late.code == RefusalCode.PERIOD_IS_OVER


def test_a_granted_case_wants_to_be_published_and_stops_wanting_it() -> None:
    """Publication is owed from the decision until the register's receipt."""
    case = case_at(Stage.CERTIFIED)
    assert case.publication_due == case.version
    assert case.level == "model"
    assert case.valid_until is not None
    from tests.sample_case import happen

    case = happen(case, [e.CertificationPublished(version=case.version, entry=7)])
    assert case.publication_due is None
    assert case.register_entry == 7
