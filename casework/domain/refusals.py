"""Why an act is not open: a closed list of codes, each documented in ``docs/errors.md``."""

from enum import StrEnum

from casework.domain._model import Frozen


class RefusalCode(StrEnum):
    """The stable code of a refusal. The API maps each to one status, clients may rely on it."""

    # Not yours to do.
    ROLE_REQUIRED = "role-required"
    NOT_YOUR_ESTABLISHMENT = "not-your-establishment"
    NOT_THE_INSPECTOR = "not-the-inspector"
    INSPECTED_THIS_CASE = "inspected-this-case"
    REVIEWED_THIS_CASE = "reviewed-this-case"
    APPLIED_FOR_THIS_CASE = "applied-for-this-case"
    CONFLICT_DECLARED = "conflict-declared"
    # Not now.
    NOT_AT_THIS_STAGE = "not-at-this-stage"
    NO_VISIT_SCHEDULED = "no-visit-scheduled"
    VISIT_ALREADY_SCHEDULED = "visit-already-scheduled"
    AWAITING_APPLICANT = "awaiting-applicant"
    AWAITING_VERIFICATION = "awaiting-verification"
    PERIOD_IS_OVER = "period-is-over"
    # Not like this.
    INSPECTOR_HAS_CONFLICT = "inspector-has-conflict"
    VISIT_IN_THE_PAST = "visit-in-the-past"
    VISIT_IN_THE_FUTURE = "visit-in-the-future"
    FINDINGS_INCOMPLETE = "findings-incomplete"
    CRITERION_UNKNOWN = "criterion-unknown"
    GRADE_NOT_ALLOWED = "grade-not-allowed"
    EVIDENCE_REQUIRED = "evidence-required"
    ITEM_UNKNOWN = "item-unknown"
    ITEM_NAMED_LATE = "item-named-late"
    ITEMS_DO_NOT_MATCH = "items-do-not-match"
    REPRESENTATION_UNKNOWN = "representation-unknown"
    PASS_RULE_NOT_MET = "pass-rule-not-met"
    DEFERRAL_INCOMPLETE = "deferral-incomplete"
    ALREADY_DECLARED = "already-declared"
    SAME_OFFICER = "same-officer"
    # About the request rather than the case.
    VERSION_CONFLICT = "version-conflict"
    KEY_REUSED = "idempotency-key-reused"
    ACT_UNKNOWN = "act-unknown"
    ENGINE_FAULT = "engine-fault"


NOT_YOURS = frozenset(
    {
        RefusalCode.ROLE_REQUIRED,
        RefusalCode.NOT_YOUR_ESTABLISHMENT,
        RefusalCode.NOT_THE_INSPECTOR,
        RefusalCode.INSPECTED_THIS_CASE,
        RefusalCode.REVIEWED_THIS_CASE,
        RefusalCode.APPLIED_FOR_THIS_CASE,
        RefusalCode.CONFLICT_DECLARED,
    }
)
"""Codes that concern the person rather than the case or the words of the act."""


class Refusal(Frozen):
    """A refusal in words: the stable code, the reason, and where in the act the cause stands (a JSON pointer)."""

    code: RefusalCode
    reason: str
    pointer: str | None = None


class Refused(Exception):
    """An act is not allowed; nothing has changed."""

    def __init__(self, code: RefusalCode, reason: str, pointer: str | None = None) -> None:
        super().__init__(f"{code}: {reason}")
        self.refusal = Refusal(code=code, reason=reason, pointer=pointer)
