"""What follows from an act: pure, without a change, and the same answer for engine and API."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import cast

from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import Actor, ActorKind
from casework.domain.calendar import due_at
from casework.domain.case import Case
from casework.domain.openness import bar, bar_of_duty, bar_of_grant
from casework.domain.refusals import NOT_YOURS, RefusalCode, Refused
from casework.domain.rules import NONCONFORMITIES, CriterionRule, EvidenceRule, Grade, PeriodName
from casework.domain.scoring import Standing, assess, must_close
from casework.domain.stages import DEFERRAL_TARGETS, Stage


def decide(case: Case, act: a.Act, actor: Actor, now: datetime) -> tuple[e.Event, ...]:
    """Return the events that follow from the act, or raise :class:`Refused`. Changes nothing."""
    refusal = bar(case, type(act), actor, now)
    if refusal is not None:
        raise Refused(refusal.code, refusal.reason, refusal.pointer)
    return _follow(case, cast("a.AnyAct", act), actor, now)


def judge(
    case: Case, act: a.Act, actor: Actor, now: datetime, expected_version: int | None
) -> tuple[e.Event, ...]:
    """Decide for a person who saw the case at ``expected_version`` (None: who saw none yet).

    Raises :class:`Refused`. To somebody who may not do the act at all it says so; to anybody else a stale view
    comes before every other reason, because those would be reasons about a case that they have not seen.
    """
    refused: Refused | None = None
    try:
        happened = decide(case, act, actor, now)
    except Refused as error:
        if error.refusal.code in NOT_YOURS:
            raise
        happened, refused = (), error
    if expected_version is not None and expected_version != case.version:
        raise Refused(
            RefusalCode.VERSION_CONFLICT,
            f"You saw version {expected_version}; the case is at version {case.version}.",
        )
    if refused:
        raise refused
    return happened


# --- What follows from each act ---------------------------------------------------------------


def _follow(case: Case, act: a.AnyAct, actor: Actor, now: datetime) -> tuple[e.Event, ...]:
    match act:
        case a.InviteEstablishment():
            return (e.EstablishmentInvited(drive=act.drive),)
        case a.SubmitApplication():
            return (
                e.ApplicationSubmitted(
                    contact=act.contact, statement=act.statement, documents=act.documents
                ),
            )
        case a.DeclineInvitation():
            return (e.InvitationDeclined(reason=act.reason),)
        case a.AcceptApplication():
            return (e.ApplicationAccepted(remark=act.remark),)
        case a.ReturnApplication():
            return _return(case, act, actor)
        case a.RejectApplication():
            return (e.ApplicationRejected(reasons=act.reasons),)
        case a.ResubmitApplication():
            _need_same((x.item for x in act.answers), case.items_to_answer, "answers")
            return (e.ApplicationResubmitted(answers=act.answers),)
        case a.ScheduleInspection():
            return _schedule(case, act, now)
        case a.RescheduleInspection():
            return _reschedule(case, act, now)
        case a.FileInspection():
            return _file(case, act, now)
        case a.SubmitCorrectiveAction():
            _need_same((x.criterion for x in act.actions), case.to_correct(), "actions")
            return (e.CorrectiveActionSubmitted(actions=act.actions),)
        case a.VerifyCorrectiveAction():
            return _verify(case, act, now)
        case a.ExtendFeedback():
            return _extend(case, act)
        case a.DisposeRepresentations():
            return _dispose(case, act)
        case a.Recommend():
            if act.advice is a.Advice.GRANT:
                _need_grant_open(case, "/advice")
            return (e.RecommendationMade(advice=act.advice, reasons=act.reasons),)
        case a.Decide():
            return _decide(case, act, now)
        case a.WithdrawApplication():
            return (e.ApplicationWithdrawn(reason=act.reason),)
        case a.AddNote():
            return (e.NoteAdded(note=act.note),)
        case a.ReassignOfficer():
            return _reassign(case, act)
        case a.DeclareConflict():
            return _declare(case, act, actor)


def _return(case: Case, act: a.ReturnApplication, actor: Actor) -> tuple[e.Event, ...]:
    _need_items(case, act.items, "items")
    if case.items_named and ActorKind.SUPERVISOR not in actor.kinds:
        # What is missing is asked at once (Licensing Facilitation Act B.E. 2558, s. 8).
        for index, named in enumerate(act.items):
            if named.item not in case.items_named:
                raise Refused(
                    RefusalCode.ITEM_NAMED_LATE,
                    f"{named.item} was not named when the application was first returned; "
                    "a supervisor can still ask for it.",
                    f"/items/{index}/item",
                )
    return (e.ApplicationReturned(items=act.items),)


def _need_items(case: Case, items: Sequence[a.ReturnedItem], where: str) -> None:
    """Need items of the program's application, each once."""
    for index, named in enumerate(items):
        if named.item not in case.terms.rules.items:
            raise Refused(
                RefusalCode.ITEM_UNKNOWN,
                f"An application to this program version has no item {named.item}.",
                f"/{where}/{index}/item",
            )
    _need_distinct((item.item for item in items), where)


def _schedule(case: Case, act: a.ScheduleInspection, now: datetime) -> tuple[e.Event, ...]:
    _need_fit_visit(case, act, now)
    return (
        e.InspectionScheduled(
            visit_at=act.visit_at, inspector=act.inspector, declaration=act.declaration.statement
        ),
    )


def _reschedule(case: Case, act: a.RescheduleInspection, now: datetime) -> tuple[e.Event, ...]:
    _need_fit_visit(case, act, now)
    return (
        e.InspectionRescheduled(
            visit_at=act.visit_at,
            inspector=act.inspector,
            declaration=act.declaration.statement,
            reason=act.reason,
        ),
    )


def _need_fit_visit(
    case: Case, act: a.ScheduleInspection | a.RescheduleInspection, now: datetime
) -> None:
    if act.visit_at <= now:
        raise Refused(
            RefusalCode.VISIT_IN_THE_PAST, "A visit is scheduled for a time to come.", "/visit_at"
        )
    person = act.inspector
    refusal = bar_of_duty(case, a.FileInspection, person)
    if act.declaration.has_conflict or person in case.conflicts or person in case.applicants:
        raise Refused(
            RefusalCode.INSPECTOR_HAS_CONFLICT,
            "An inspector with a conflict of interest cannot be named; record it with declare-conflict.",
            "/inspector",
        )
    if refusal:
        raise Refused(refusal.code, refusal.reason, "/inspector")


def _file(case: Case, act: a.FileInspection, now: datetime) -> tuple[e.Event, ...]:
    if act.visited_at > now:
        raise Refused(
            RefusalCode.VISIT_IN_THE_FUTURE,
            "The visit is filed after it took place.",
            "/visited_at",
        )
    rules = case.terms.rules
    seen = Counter(f.criterion for f in act.findings)
    for index, finding in enumerate(act.findings):
        _need_sound_finding(case, finding, f"/findings/{index}")
        if seen[finding.criterion] > 1:
            raise Refused(
                RefusalCode.FINDINGS_INCOMPLETE,
                f"{finding.criterion} has more than one finding.",
                f"/findings/{index}/criterion",
            )
    missing = [c.code for c in rules.criteria if c.code not in seen]
    if missing:
        raise Refused(
            RefusalCode.FINDINGS_INCOMPLETE,
            f"One finding per criterion: {', '.join(missing)} missing.",
            "/findings",
        )
    standings = [Standing(code=f.criterion, grade=f.grade) for f in act.findings]
    to_correct = must_close(rules, standings)
    filed = e.InspectionFiled(
        visited_at=act.visited_at,
        place=act.place,
        findings=act.findings,
        percent=assess(rules, standings).percent,
        to_correct=to_correct,
    )
    return (filed,) if to_correct else (filed, _opened(case, now))


def _need_sound_finding(case: Case, finding: a.Finding, pointer: str) -> None:
    criterion = case.terms.rules.criterion(finding.criterion)
    if criterion is None:
        raise Refused(
            RefusalCode.CRITERION_UNKNOWN,
            f"The program version has no criterion {finding.criterion}.",
            f"{pointer}/criterion",
        )
    reason = _bar_of_grade(criterion, finding.grade)
    if reason:
        raise Refused(RefusalCode.GRADE_NOT_ALLOWED, reason, f"{pointer}/grade")
    needs_evidence = criterion.evidence is EvidenceRule.REQUIRED or (
        criterion.evidence is EvidenceRule.FOR_NONCONFORMITY and finding.grade in NONCONFORMITIES
    )
    if needs_evidence and not finding.evidence and finding.grade is not Grade.NOT_APPLICABLE:
        raise Refused(
            RefusalCode.EVIDENCE_REQUIRED,
            f"A finding of {finding.grade} on {criterion.code} names evidence.",
            f"{pointer}/evidence",
        )
    if finding.grade not in {Grade.CONFORMITY} and not finding.remark:
        raise Refused(
            RefusalCode.FINDINGS_INCOMPLETE,
            f"A finding of {finding.grade} on {criterion.code} says why.",
            f"{pointer}/remark",
        )


def _bar_of_grade(criterion: CriterionRule, grade: Grade) -> str | None:
    if grade is Grade.NOT_APPLICABLE and not criterion.not_applicable_allowed:
        return f"{criterion.code} always applies."
    if grade is Grade.MINOR and not criterion.minor_allowed:
        return f"Any lapse on {criterion.code} is a major nonconformity."
    return None


def _verify(case: Case, act: a.VerifyCorrectiveAction, now: datetime) -> tuple[e.Event, ...]:
    _need_same((x.criterion for x in act.verdicts), case.to_verify, "verdicts")
    accepted = {v.criterion for v in act.verdicts if v.accepted}
    standings = [
        s.model_copy(update={"closed": s.closed or s.code in accepted}) for s in case.standings
    ]
    to_correct = must_close(case.terms.rules, standings)
    verified = e.CorrectiveActionVerified(
        verdicts=act.verdicts,
        percent=assess(case.terms.rules, standings).percent,
        to_correct=to_correct,
    )
    return (verified,) if to_correct else (verified, _opened(case, now))


def _opened(case: Case, now: datetime) -> e.FeedbackOpened:
    period = case.terms.rules.periods[PeriodName.FEEDBACK]
    return e.FeedbackOpened(closes_at=due_at(period, now, case.terms.calendar))


def _extend(case: Case, act: a.ExtendFeedback) -> tuple[e.Event, ...]:
    running = case.running
    if running is None:
        raise ValueError("a case at feedback has a running period")
    closes_at = due_at(
        case.terms.rules.periods[PeriodName.FEEDBACK],
        running.since,
        case.terms.calendar,
        extended_by=running.extended_by + act.days,
    )
    return (e.FeedbackExtended(days=act.days, closes_at=closes_at, reason=act.reason),)


def _dispose(case: Case, act: a.DisposeRepresentations) -> tuple[e.Event, ...]:
    unanswered = frozenset(case.unanswered)
    for index, number in enumerate(act.numbers):
        if number not in unanswered:
            raise Refused(
                RefusalCode.REPRESENTATION_UNKNOWN,
                f"Representation {number} is not waiting for an answer.",
                f"/numbers/{index}",
            )
    return (
        e.RepresentationsDisposed(
            numbers=e.Numbers.of(act.numbers), disposition=act.disposition, answer=act.answer
        ),
    )


def _decide(case: Case, act: a.Decide, now: datetime) -> tuple[e.Event, ...]:
    deferred = act.outcome is a.Outcome.DEFERRED
    if deferred and (act.back_to not in DEFERRAL_TARGETS or not act.asked):
        raise Refused(
            RefusalCode.DEFERRAL_INCOMPLETE,
            f"A deferral names what is asked and the stage to go back to: {', '.join(DEFERRAL_TARGETS)}.",
            "/back_to" if act.back_to not in DEFERRAL_TARGETS else "/asked",
        )
    if not deferred and (act.back_to is not None or act.asked):
        raise Refused(
            RefusalCode.DEFERRAL_INCOMPLETE,
            "Only a deferral goes back and asks for more.",
            "/back_to",
        )
    if act.back_to is Stage.RETURNED:
        _need_items(case, act.asked, "asked")
    else:
        _need_distinct((item.item for item in act.asked), "asked")
    granted = act.outcome is a.Outcome.GRANTED
    if granted:
        _need_grant_open(case, "/outcome")
    validity = case.terms.rules.periods[PeriodName.VALIDITY]
    made = e.DecisionMade(
        outcome=act.outcome,
        reasons=act.reasons,
        level=case.assessment().level if granted else None,
        valid_until=due_at(validity, now, case.terms.calendar) if granted else None,
        back_to=act.back_to,
        asked=act.asked,
    )
    return (made, _opened(case, now)) if act.back_to is Stage.FEEDBACK else (made,)


def _need_grant_open(case: Case, pointer: str) -> None:
    refusal = bar_of_grant(case)
    if refusal:
        raise Refused(refusal.code, refusal.reason, pointer)


def _reassign(case: Case, act: a.ReassignOfficer) -> tuple[e.Event, ...]:
    if act.officer == case.officer:
        raise Refused(RefusalCode.SAME_OFFICER, "This officer already has the case.", "/officer")
    if act.officer in case.conflicts:
        raise Refused(
            RefusalCode.CONFLICT_DECLARED, "This officer has a declared conflict.", "/officer"
        )
    return (e.OfficerReassigned(officer=act.officer, reason=act.reason),)


def _declare(case: Case, act: a.DeclareConflict, actor: Actor) -> tuple[e.Event, ...]:
    person = act.person or actor.person
    if person != actor.person and ActorKind.SUPERVISOR not in actor.kinds:
        raise Refused(
            RefusalCode.ROLE_REQUIRED, "Only a supervisor declares for somebody else.", "/person"
        )
    if person in case.conflicts:
        raise Refused(RefusalCode.ALREADY_DECLARED, "This conflict is on file.", "/person")
    return (e.ConflictDeclared(person=person, statement=act.statement),)


def _need_distinct(codes: Iterable[str], where: str) -> None:
    twice = [code for code, count in Counter(codes).items() if count > 1]
    if twice:
        raise Refused(
            RefusalCode.ITEMS_DO_NOT_MATCH, f"Named twice: {', '.join(twice)}.", f"/{where}"
        )


def _need_same(given: Iterable[str], wanted: Collection[str], where: str) -> None:
    """Each wanted code once and no other: nothing asked stays without an answer."""
    counts = Counter(given)
    missing = [code for code in wanted if code not in counts]
    spare = [code for code in counts if code not in wanted or counts[code] > 1]
    if missing or spare:
        parts = [
            f"missing: {', '.join(missing)}" if missing else "",
            f"not asked or twice: {', '.join(spare)}" if spare else "",
        ]
        raise Refused(
            RefusalCode.ITEMS_DO_NOT_MATCH,
            f"Answer each item once ({'; '.join(p for p in parts if p)}).",
            f"/{where}",
        )
