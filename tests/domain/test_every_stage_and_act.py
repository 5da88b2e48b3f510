"""Every act at every stage has a verdict."""

import pytest

from casework.domain import acts as a
from casework.domain.actors import SYSTEM
from casework.domain.case import record
from casework.domain.decide import decide, judge
from casework.domain.openness import ACT_RULES, allowed_acts, bar, kind_for
from casework.domain.refusals import RefusalCode, Refused
from casework.domain.stages import CLOSED, TRANSITIONS, Stage
from tests.sample_case import (
    APPLICANT,
    CAST,
    DECIDER,
    INSPECTOR,
    NOW,
    OFFICER,
    REVIEWER,
    SUPERVISOR,
    act_of,
    case_at,
    perform,
)

ALWAYS = {a.AddNote, a.ReassignOfficer, a.DeclareConflict}
UNDER_WAY = ALWAYS | {a.WithdrawApplication}

OPEN: dict[Stage, set[type[a.Act]]] = {
    Stage.NEW: {a.InviteEstablishment, a.SubmitApplication},
    Stage.INVITED: UNDER_WAY | {a.SubmitApplication, a.DeclineInvitation},
    Stage.APPLICATION_REVIEW: UNDER_WAY
    | {a.AcceptApplication, a.ReturnApplication, a.RejectApplication},
    Stage.RETURNED: UNDER_WAY | {a.ResubmitApplication},
    Stage.INSPECTION: UNDER_WAY | {a.ScheduleInspection},
    Stage.CORRECTIVE_ACTION: UNDER_WAY | {a.SubmitCorrectiveAction},
    Stage.FEEDBACK: UNDER_WAY | {a.ExtendFeedback},
    Stage.ANSWERING: UNDER_WAY | {a.DisposeRepresentations},
    Stage.REVIEW: UNDER_WAY | {a.Recommend},
    Stage.DECISION: UNDER_WAY | {a.Decide},
    Stage.CERTIFIED: ALWAYS,
} | {stage: set() for stage in CLOSED}

WHO = {
    a.InviteEstablishment: SYSTEM,
    a.FileInspection: INSPECTOR,
    a.VerifyCorrectiveAction: INSPECTOR,
    a.ExtendFeedback: SUPERVISOR,
    a.ReassignOfficer: SUPERVISOR,
    a.Recommend: REVIEWER,
    a.Decide: DECIDER,
    a.SubmitApplication: APPLICANT,
    a.DeclineInvitation: APPLICANT,
    a.ResubmitApplication: APPLICANT,
    a.SubmitCorrectiveAction: APPLICANT,
    a.WithdrawApplication: APPLICANT,
}

BY_STATE = {
    (Stage.INSPECTION, a.RescheduleInspection): RefusalCode.NO_VISIT_SCHEDULED,
    (Stage.INSPECTION, a.FileInspection): RefusalCode.NO_VISIT_SCHEDULED,
    (Stage.CORRECTIVE_ACTION, a.VerifyCorrectiveAction): RefusalCode.AWAITING_APPLICANT,
}


def test_every_act_has_a_rule_and_a_name_of_its_own_that_outlives_its_class() -> None:
    """The name is written out: histories and clients hold it, and a renamed class must not change it."""
    assert list(a.ACTS.values()) == list(ACT_RULES)
    for slug, act in a.ACTS.items():
        assert vars(act)["slug"] == slug


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("act", ACT_RULES, ids=lambda act: act.__name__)
def test_an_act_is_open_at_its_stages_and_refused_with_a_reason_at_all_others(
    stage: Stage, act: type[a.Act]
) -> None:
    """The table of design and the engine agree on every pair, and a refusal says where the act is open."""
    case = case_at(stage)
    actor = WHO.get(act, OFFICER)
    refusal = bar(case, act, actor, NOW)
    if act in OPEN[stage]:
        assert refusal is None
        assert decide(case, act_of(act, case), actor, NOW)
    else:
        assert refusal is not None
        assert refusal.code == BY_STATE.get((stage, act), RefusalCode.NOT_AT_THIS_STAGE)
        with pytest.raises(Refused, match=refusal.code):
            decide(case, act_of(act, case), actor, NOW)


@pytest.mark.parametrize("act", ACT_RULES, ids=lambda act: act.__name__)
def test_only_the_named_kinds_may_do_an_act(act: type[a.Act]) -> None:
    """Whoever holds none of the kinds is told which it takes, at whatever stage the case is."""
    for stage in Stage:
        case = case_at(stage)
        for actor in CAST:
            refusal = bar(case, act, actor, NOW)
            if set(actor.kinds).isdisjoint(ACT_RULES[act].who):
                assert refusal is not None
                assert refusal.code == RefusalCode.ROLE_REQUIRED


def test_every_row_of_the_transition_table_can_be_walked() -> None:
    """No row stands in the table that no case can take."""
    walked: set[tuple[Stage, str, Stage]] = set()

    def go(stage: Stage, act: a.Act, actor=OFFICER) -> None:
        case = case_at(stage)
        for event in decide(case, act, actor, NOW):
            kind = kind_for(type(act), actor)
            after, lines = record(case, [event], actor, kind, NOW)
            if after.stage is not case.stage:
                walked.add((case.stage, lines[0].event.type, after.stage))
            case = after

    for stage, acts in OPEN.items():
        for act in acts:
            go(stage, act_of(act, case_at(stage)), WHO.get(act, OFFICER))
    asked = (a.ReturnedItem(item="map", reason="Unclear."),)
    for target in (Stage.RETURNED, Stage.INSPECTION, Stage.FEEDBACK, Stage.REVIEW):
        deferred = a.Decide(
            outcome=a.Outcome.DEFERRED, reasons="More is needed.", back_to=target, asked=asked
        )
        go(Stage.DECISION, deferred, DECIDER)
    go(Stage.DECISION, a.Decide(outcome=a.Outcome.REFUSED, reasons="No."), DECIDER)

    by_time_or_findings = {
        (Stage.INVITED, "CaseLapsed", Stage.LAPSED),
        (Stage.RETURNED, "CaseLapsed", Stage.LAPSED),
        (Stage.CORRECTIVE_ACTION, "CaseLapsed", Stage.LAPSED),
        (Stage.CERTIFIED, "CertificationExpired", Stage.EXPIRED),
        (Stage.FEEDBACK, "FeedbackClosed", Stage.ANSWERING),
        (Stage.FEEDBACK, "FeedbackClosed", Stage.REVIEW),
        (Stage.INSPECTION, "InspectionFiled", Stage.CORRECTIVE_ACTION),
        (Stage.INSPECTION, "FeedbackOpened", Stage.FEEDBACK),
        (Stage.CORRECTIVE_ACTION, "FeedbackOpened", Stage.FEEDBACK),
    }
    assert walked | by_time_or_findings == {tuple(row) for row in TRANSITIONS}
    assert not walked & by_time_or_findings


def test_the_open_acts_come_with_reasons_for_the_others() -> None:
    """One answer for API and pages: every act, open or with its reason."""
    answers = {x.act: x for x in allowed_acts(case_at(Stage.REVIEW), REVIEWER, NOW)}
    assert set(answers) == set(a.ACTS)
    assert answers["recommend"].is_open
    assert answers["decide"].refusal is not None
    assert answers["decide"].refusal.code == RefusalCode.ROLE_REQUIRED
    assert all(x.is_open or x.refusal for x in answers.values())


def test_a_stale_view_is_told_first_unless_the_act_is_not_theirs() -> None:
    """Who saw an older version learns that, not a reason about a case that they have not seen."""
    case = case_at(Stage.INSPECTION)
    accept = a.AcceptApplication()
    with pytest.raises(Refused, match=RefusalCode.VERSION_CONFLICT):
        judge(case, accept, OFFICER, NOW, expected_version=1)
    with pytest.raises(Refused, match=RefusalCode.NOT_AT_THIS_STAGE):
        judge(case, accept, OFFICER, NOW, expected_version=case.version)
    with pytest.raises(Refused, match=RefusalCode.ROLE_REQUIRED):
        judge(case, accept, APPLICANT, NOW, expected_version=1)
    note = a.AddNote(note="Late.")
    with pytest.raises(Refused, match=RefusalCode.VERSION_CONFLICT):
        judge(case, note, OFFICER, NOW, expected_version=1)


def test_a_scheduled_visit_opens_filing_for_its_inspector_alone() -> None:
    """Scheduling closes itself, opens moving the visit, and filing to the one named inspector."""
    case = case_at(Stage.INSPECTION)
    case = perform(case, act_of(a.ScheduleInspection, case), OFFICER)
    assert bar(case, a.FileInspection, INSPECTOR, NOW) is None
    assert bar(case, a.RescheduleInspection, OFFICER, NOW) is None
    already = bar(case, a.ScheduleInspection, OFFICER, NOW)
    assert already is not None
    assert already.code == RefusalCode.VISIT_ALREADY_SCHEDULED
    other = INSPECTOR.model_copy(update={"person": "inspector-22"})
    refusal = bar(case, a.FileInspection, other, NOW)
    assert refusal is not None
    assert refusal.code == RefusalCode.NOT_THE_INSPECTOR
