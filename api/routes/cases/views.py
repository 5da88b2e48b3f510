"""What the API shows of a case: one shape for lists, one for the whole, and the acts on it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from casework.domain.acts import Advice, InviteEstablishment
from casework.domain.case import Case
from casework.domain.openness import ChoiceBar, Openness
from casework.domain.policy import Principal
from casework.domain.refusals import Refusal
from casework.domain.rules import Grade, PeriodName
from casework.domain.scoring import Assessment
from casework.domain.stages import Stage
from casework.store.cases.lists import CaseItem
from casework.store.tables import CaseRow, Establishment


class EstablishmentName(BaseModel):
    """Whose case it is."""

    id: str
    registration_no: str | None
    name_th: str | None
    name_en: str | None


class EstablishmentView(EstablishmentName):
    """The site, as the last application described it."""

    address: str
    province: str
    latitude: float | None
    longitude: float | None
    river_basin: str | None


class CaseInList(BaseModel):
    """A case as lists and queues show it."""

    id: str
    version: int
    stage: Stage
    program: str
    program_version: str
    province: str
    establishment: EstablishmentName
    officer: str | None
    inspector: str | None
    due_period: PeriodName | None
    due_at: datetime | None
    is_overdue: bool
    is_closed: bool
    opened_at: datetime
    changed_at: datetime
    level: str | None
    valid_until: datetime | None

    @classmethod
    def of(cls, item: CaseItem, now: datetime) -> "CaseInList":
        """Show one row of a list."""
        row = item.case
        return cls(
            id=row.case_id,
            version=row.version,
            stage=row.stage,
            program=row.program,
            program_version=row.program_version,
            province=row.province,
            establishment=EstablishmentName(
                id=row.establishment_id,
                registration_no=item.registration_no,
                name_th=item.name_th,
                name_en=item.name_en,
            ),
            officer=row.officer,
            inspector=row.inspector,
            due_period=row.due_period,
            due_at=row.due_at,
            is_overdue=row.due_at is not None and row.due_at <= now,
            is_closed=row.is_closed,
            opened_at=row.opened_at,
            changed_at=row.changed_at,
            level=row.level,
            valid_until=row.valid_until,
        )


class CaseList(BaseModel):
    """One page of cases, the earliest due first."""

    items: tuple[CaseInList, ...]
    next: Annotated[
        str | None, Field(description="Cursor of the next page; also in the Link header.")
    ]


class StandingView(BaseModel):
    """Where one criterion stands."""

    criterion: str
    grade: Grade
    closed: bool


class Duties(BaseModel):
    """Who did what in the case, as far as impartiality asks. For staff only."""

    inspectors: tuple[str, ...]
    reviewers: tuple[str, ...]
    deciders: tuple[str, ...]
    conflicts: tuple[str, ...]
    advice: Advice | None


class CaseView(BaseModel):
    """The whole case at ``version``; the answer's ETag is the version."""

    id: str
    version: int
    stage: Stage
    program: str
    program_version: str
    province: str
    establishment: EstablishmentView
    contact: Annotated[str | None, Field(description="Who is told on the establishment's side.")]
    officer: str | None
    inspector: str | None
    visit_at: datetime | None
    due_period: PeriodName | None
    due_at: datetime | None
    opened_at: datetime
    changed_at: datetime
    is_closed: bool
    items_to_answer: tuple[str, ...]
    items_named: Annotated[
        tuple[str, ...],
        Field(
            description="Every item it was ever returned for; an officer returns it for no other."
        ),
    ]
    standings: tuple[StandingView, ...]
    assessment: Assessment | None
    to_correct: tuple[str, ...]
    to_verify: tuple[str, ...]
    unanswered: Annotated[
        tuple[tuple[int, int], ...],
        Field(description="Representations without an answer, as ranges of their numbers."),
    ]
    feedback_closes_at: datetime | None
    level: str | None
    granted_at: datetime | None
    valid_until: datetime | None
    register_entry: int | None
    duties: Duties | None

    @classmethod
    def of(
        cls,
        principal: Principal,
        row: CaseRow,
        case: Case,
        establishment: Establishment,
        contact: str | None,
    ) -> "CaseView":
        """Show a case to somebody who may see it; applicants see no internal advice."""
        return cls(
            id=row.case_id,
            version=row.version,
            stage=row.stage,
            program=row.program,
            program_version=row.program_version,
            province=row.province,
            establishment=EstablishmentView.model_validate(establishment.model_dump()),
            contact=case.contact or contact,
            officer=row.officer,
            inspector=row.inspector,
            visit_at=case.visit_at,
            due_period=row.due_period,
            due_at=row.due_at,
            opened_at=row.opened_at,
            changed_at=row.changed_at,
            is_closed=row.is_closed,
            items_to_answer=case.items_to_answer,
            items_named=case.items_named,
            standings=tuple(
                StandingView(criterion=s.code, grade=s.grade, closed=s.closed)
                for s in case.standings
            ),
            assessment=case.assessment() if case.standings else None,
            to_correct=case.to_correct() if case.standings else (),
            to_verify=case.to_verify,
            unanswered=case.unanswered.ranges,
            feedback_closes_at=row.feedback_closes_at,
            level=row.level,
            granted_at=row.granted_at,
            valid_until=row.valid_until,
            register_entry=row.register_entry,
            duties=_duties(case) if principal.is_staff else None,
        )


def _duties(case: Case) -> Duties:
    return Duties(
        inspectors=case.inspectors,
        reviewers=case.reviewers,
        deciders=case.deciders,
        conflicts=case.conflicts,
        advice=case.advice,
    )


class ActView(BaseModel):
    """One act: whether it is open to you now, and if not, why not."""

    act: Annotated[str, Field(description="Name in the address of the act.")]
    is_open: bool
    href: str
    refusal: Refusal | None
    closed_choices: tuple[ChoiceBar, ...]


class ActsView(BaseModel):
    """Every act on the case at ``version``."""

    case: str
    version: int
    stage: Stage
    acts: tuple[ActView, ...]

    @classmethod
    def of(cls, case: Case, answers: Iterable[Openness]) -> "ActsView":
        """Show the engine's own answer, in the words of the API; only drives invite."""
        return cls(
            case=case.case_id,
            version=case.version,
            stage=case.stage,
            acts=tuple(
                ActView(
                    act=answer.act,
                    is_open=answer.is_open,
                    href=f"/api/v1/cases/{case.case_id}/acts/{answer.act}",
                    refusal=answer.refusal,
                    closed_choices=answer.closed_choices,
                )
                for answer in answers
                if answer.act != InviteEstablishment.slug
            ),
        )


class ActApplied(BaseModel):
    """The receipt of an act. The same request with the same key gets the same receipt."""

    case: str
    act: str
    version: Annotated[int, Field(description="Version of the case after the act: the next ETag.")]
    stage: Stage
    at: datetime
    recorded: Annotated[
        bool, Field(description="False with 202: accepted for good, and the record follows.")
    ]
