"""Which acts are open to whom, and why the others are not: the table of acts, and what else bars one.

API, console and applicant view all show this one answer. What an open act takes and what follows from it is in
:mod:`casework.domain.decide`.
"""

from datetime import datetime
from typing import NamedTuple

from casework.domain import acts as a
from casework.domain._model import Frozen
from casework.domain.actors import STAFF, Actor, ActorKind
from casework.domain.case import Case
from casework.domain.refusals import Refusal, RefusalCode
from casework.domain.stages import BEFORE_DECISION, Stage

_STAFF = tuple(sorted(STAFF))
_ALIVE = (*BEFORE_DECISION, Stage.CERTIFIED)


class ActRule(NamedTuple):
    """Who may do an act and at which stages; what else bars it is in :func:`bar`."""

    act: type[a.Act]
    who: tuple[ActorKind, ...]
    stages: tuple[Stage, ...]


_RULES = (
    ActRule(a.InviteEstablishment, (ActorKind.SYSTEM,), (Stage.NEW,)),
    ActRule(a.SubmitApplication, (ActorKind.APPLICANT,), (Stage.NEW, Stage.INVITED)),
    ActRule(a.DeclineInvitation, (ActorKind.APPLICANT,), (Stage.INVITED,)),
    ActRule(a.AcceptApplication, (ActorKind.OFFICER,), (Stage.APPLICATION_REVIEW,)),
    ActRule(
        a.ReturnApplication, (ActorKind.OFFICER, ActorKind.SUPERVISOR), (Stage.APPLICATION_REVIEW,)
    ),
    ActRule(a.RejectApplication, (ActorKind.OFFICER,), (Stage.APPLICATION_REVIEW,)),
    ActRule(a.ResubmitApplication, (ActorKind.APPLICANT,), (Stage.RETURNED,)),
    ActRule(a.ScheduleInspection, (ActorKind.OFFICER,), (Stage.INSPECTION,)),
    ActRule(a.RescheduleInspection, (ActorKind.OFFICER,), (Stage.INSPECTION,)),
    ActRule(a.FileInspection, (ActorKind.INSPECTOR,), (Stage.INSPECTION,)),
    ActRule(a.SubmitCorrectiveAction, (ActorKind.APPLICANT,), (Stage.CORRECTIVE_ACTION,)),
    ActRule(a.VerifyCorrectiveAction, (ActorKind.INSPECTOR,), (Stage.CORRECTIVE_ACTION,)),
    ActRule(a.ExtendFeedback, (ActorKind.SUPERVISOR,), (Stage.FEEDBACK,)),
    ActRule(a.DisposeRepresentations, (ActorKind.OFFICER,), (Stage.ANSWERING,)),
    ActRule(a.Recommend, (ActorKind.REVIEWER,), (Stage.REVIEW,)),
    ActRule(a.Decide, (ActorKind.DECISION_MAKER,), (Stage.DECISION,)),
    ActRule(a.WithdrawApplication, (ActorKind.APPLICANT,), BEFORE_DECISION),
    ActRule(a.AddNote, _STAFF, _ALIVE),
    ActRule(a.ReassignOfficer, (ActorKind.SUPERVISOR,), _ALIVE),
    ActRule(a.DeclareConflict, _STAFF, _ALIVE),
)
ACT_RULES: dict[type[a.Act], ActRule] = {rule.act: rule for rule in _RULES}
"""The table of acts: who, and at which stages."""


class ChoiceBar(Frozen):
    """A choice within an open act that is not open, and why."""

    choice: str
    refusal: Refusal


class Openness(Frozen):
    """Whether one act is open to one actor; if not, why not."""

    act: str
    is_open: bool
    refusal: Refusal | None = None
    closed_choices: tuple[ChoiceBar, ...] = ()


def allowed_acts(case: Case, actor: Actor, now: datetime) -> tuple[Openness, ...]:
    """Return every act with whether it is open to this actor now and, for the others, the reason."""
    answers: list[Openness] = []
    for act in ACT_RULES:
        refusal = bar(case, act, actor, now)
        closed = _closed_choices(case, act) if refusal is None else ()
        answers.append(
            Openness(act=act.slug, is_open=refusal is None, refusal=refusal, closed_choices=closed)
        )
    return tuple(answers)


def kind_for(act: type[a.Act], actor: Actor) -> ActorKind:
    """Return the part in which this actor does this act; only for an act that :func:`bar` lets pass."""
    return next(kind for kind in ACT_RULES[act].who if kind in actor.kinds)


def bar(case: Case, act: type[a.Act], actor: Actor, now: datetime) -> Refusal | None:
    """Return why the act is not open to this actor now whatever it says, or None if it is open."""
    rule = ACT_RULES[act]
    return (
        _bar_of_role(case, rule, actor)
        or _bar_of_stage(case, rule)
        or _bar_of_impartiality(case, act, actor)
        or _bar_of_state(case, act, actor, now)
    )


# --- What bars an act before a word of it is read ---------------------------------------------


def _bar_of_role(case: Case, rule: ActRule, actor: Actor) -> Refusal | None:
    held = [kind for kind in rule.who if kind in actor.kinds]
    if not held:
        return Refusal(
            code=RefusalCode.ROLE_REQUIRED,
            reason=f"{rule.act.slug} is for: {', '.join(rule.who)}.",
        )
    if held == [ActorKind.APPLICANT] and actor.establishment != case.terms.establishment:
        return Refusal(
            code=RefusalCode.NOT_YOUR_ESTABLISHMENT,
            reason="The token is bound to another establishment.",
        )
    return None


def _bar_of_stage(case: Case, rule: ActRule) -> Refusal | None:
    if case.stage in rule.stages:
        return None
    return Refusal(
        code=RefusalCode.NOT_AT_THIS_STAGE,
        reason=(
            f"The case is at {case.stage}; {rule.act.slug} is open at: {', '.join(rule.stages)}."
        ),
    )


def _bar_of_impartiality(case: Case, act: type[a.Act], actor: Actor) -> Refusal | None:
    """Keep evaluation, review and decision apart (ISO/IEC 17065, 4.2, 7.5 and 7.6)."""
    if kind_for(act, actor) not in STAFF:
        return None
    if actor.person in case.conflicts:
        return Refusal(
            code=RefusalCode.CONFLICT_DECLARED,
            reason="You have a declared conflict of interest in this case.",
        )
    if actor.person in case.applicants:
        return Refusal(
            code=RefusalCode.APPLIED_FOR_THIS_CASE,
            reason="You acted for the applicant in this case.",
        )
    return bar_of_duty(case, act, actor.person)


def bar_of_duty(case: Case, act: type[a.Act], person: str) -> Refusal | None:
    """Refuse a second of the three duties (inspect, review, decide) to whoever had another."""
    inspects = act in {a.FileInspection, a.VerifyCorrectiveAction}
    inspected = person in case.inspectors or (person == case.inspector and not inspects)
    if inspected and act in {a.Recommend, a.Decide}:
        return Refusal(
            code=RefusalCode.INSPECTED_THIS_CASE,
            reason="The inspector of a case neither reviews nor decides it.",
        )
    decided = person in case.deciders and act is not a.Decide
    reviewed = person in case.reviewers and act is not a.Recommend
    if (inspects or act in {a.Recommend, a.Decide}) and (decided or reviewed):
        return Refusal(
            code=RefusalCode.REVIEWED_THIS_CASE,
            reason="Who reviewed or decided a case does nothing else of inspecting, reviewing and deciding in it.",
        )
    return None


def _bar_of_state(case: Case, act: type[a.Act], actor: Actor, now: datetime) -> Refusal | None:
    if act is a.ScheduleInspection and case.visit_at is not None:
        return Refusal(
            code=RefusalCode.VISIT_ALREADY_SCHEDULED,
            reason="A visit is scheduled; move it with reschedule-inspection.",
        )
    if act in {a.RescheduleInspection, a.FileInspection} and case.visit_at is None:
        return Refusal(code=RefusalCode.NO_VISIT_SCHEDULED, reason="No visit is scheduled yet.")
    if act is a.FileInspection and actor.person != case.inspector:
        return Refusal(
            code=RefusalCode.NOT_THE_INSPECTOR,
            reason="Another inspector has been named for this visit.",
        )
    if act is a.SubmitCorrectiveAction and case.to_verify:
        return Refusal(
            code=RefusalCode.AWAITING_VERIFICATION,
            reason="The corrective action waits for the inspector's verdict.",
        )
    if act is a.VerifyCorrectiveAction and not case.to_verify:
        return Refusal(
            code=RefusalCode.AWAITING_APPLICANT,
            reason="The establishment has not submitted its corrective action yet.",
        )
    if (
        act in _APPLICANTS_IN_TIME | {a.ExtendFeedback}
        and case.running
        and case.running.due_at <= now
    ):
        return Refusal(
            code=RefusalCode.PERIOD_IS_OVER,
            reason=f"The period ended at {case.running.due_at.isoformat()}.",
        )
    return None


_APPLICANTS_IN_TIME: frozenset[type[a.Act]] = frozenset(
    {a.SubmitApplication, a.DeclineInvitation, a.ResubmitApplication, a.SubmitCorrectiveAction}
)


def _closed_choices(case: Case, act: type[a.Act]) -> tuple[ChoiceBar, ...]:
    choices: dict[type[a.Act], str] = {
        a.Recommend: a.Advice.GRANT,
        a.Decide: a.Outcome.GRANTED,
    }
    choice = choices.get(act)
    refusal = bar_of_grant(case) if choice else None
    return (ChoiceBar(choice=choice, refusal=refusal),) if choice and refusal else ()


def bar_of_grant(case: Case) -> Refusal | None:
    """Say by the program's pass rule why a grant is not open; a refusal always is."""
    assessment = case.assessment()
    if assessment.passed:
        return None
    return Refusal(
        code=RefusalCode.PASS_RULE_NOT_MET,
        reason=" ".join(failure.reason for failure in assessment.failures),
    )
