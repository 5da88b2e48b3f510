"""What the API shows of seminars, drives, their rows and the forecast."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, Field

from casework.contracts.drive import DriveProgress
from casework.contracts.drive import DriveView as DriveSaid
from casework.domain.drives import DriveKind, DriveState, RowOutcome, RowRemark, RowVerdict, Why
from casework.domain.forecast import Basis, Forecast
from casework.domain.policy import Everywhere
from casework.programs.model import Words
from casework.store.drives.rows import RowCount, cells_of, notes_of, problems_of
from casework.store.drives.tables import Drive, DriveRow, Seminar
from casework.store.texts import with_texts

Texts = Mapping[str, str | None]
"""What people wrote, by reference."""


class SeminarView(BaseModel):
    """A seminar."""

    id: str
    title: str
    held_on: date
    province: str | None
    place: str | None
    created_by: str
    created_at: datetime

    @classmethod
    def of(cls, row: Seminar) -> "SeminarView":
        """Show a row."""
        return cls(**row.model_dump(include=set(cls.model_fields)))


class Seminars(BaseModel):
    """The latest seminars, the last one first."""

    items: tuple[SeminarView, ...]


class ProgressView(BaseModel):
    """The rows by what came of them. Rows that the dry run keeps out count as skipped."""

    pending: int
    opened: int
    joined: int
    skipped: int
    failed: int
    total: int

    @classmethod
    def of(cls, progress: DriveProgress) -> "ProgressView":
        """Show the counts, which are all zero before the start."""
        return cls(**progress.model_dump(), total=progress.total)


class DriveStatus(BaseModel):
    """Where a drive is: the answer to what was asked of it, and what its event stream sends."""

    drive: str
    state: DriveState
    reason: Annotated[str | None, Field(description="Why it was paused or stopped.")]
    progress: ProgressView

    @classmethod
    def of(cls, row: Drive, progress: DriveProgress, texts: Texts) -> "DriveStatus":
        """Show what SQL has, with the reason that it refers to."""
        return cls(
            drive=row.id,
            state=row.state,
            reason=with_texts(row.state_reason, texts),
            progress=ProgressView.of(progress),
        )

    @classmethod
    def said(cls, view: DriveSaid, texts: Texts) -> "DriveStatus":
        """Show what the workflow answered, with the reason that it refers to."""
        return cls(
            drive=view.drive,
            state=view.state,
            reason=with_texts(view.reason, texts),
            progress=ProgressView.of(view.progress),
        )


class DriveInList(BaseModel):
    """A drive as lists show it."""

    id: str
    kind: DriveKind
    program: str
    title: str
    seminar: str | None
    state: DriveState
    state_at: datetime
    state_by: str
    state_reason: str | None
    created_by: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Drive, texts: Texts) -> "DriveInList":
        """Show a row, with the reason that it refers to."""
        shown = row.model_dump(include=set(DriveInList.model_fields) - {"state_reason"})
        reason = with_texts(row.state_reason, texts)
        return cls(seminar=row.seminar_id, state_reason=reason, **shown)


class DriveList(BaseModel):
    """One page of drives, the latest first."""

    items: tuple[DriveInList, ...]
    next: Annotated[
        str | None, Field(description="Cursor of the next page; also in the Link header.")
    ]


class ProvinceSummary(BaseModel):
    """The rows of one province by verdict and by outcome; ``province`` is null where no row says it."""

    province: str | None
    rows: int
    verdicts: dict[RowVerdict, int]
    outcomes: dict[RowOutcome, int]

    @classmethod
    def all_of(cls, counts: Iterable[RowCount]) -> "tuple[ProvinceSummary, ...]":
        """Return the summary of each province, in the order of their codes."""
        by_province: defaultdict[str | None, list[RowCount]] = defaultdict(list)
        for count in counts:
            by_province[count.province].append(count)
        return tuple(
            cls(
                province=province,
                rows=sum(count.rows for count in found),
                verdicts=verdicts_of(found),
                outcomes=_outcomes_of(found),
            )
            for province, found in sorted(by_province.items(), key=lambda item: item[0] or "")
        )


def verdicts_of(counts: Iterable[RowCount]) -> dict[RowVerdict, int]:
    """Add up rows by verdict, in the order in which the verdicts are listed."""
    found: Counter[RowVerdict] = Counter()
    for count in counts:
        if count.verdict is not None:
            found[count.verdict] += count.rows
    return {verdict: found[verdict] for verdict in RowVerdict if verdict in found}


def _outcomes_of(counts: Iterable[RowCount]) -> dict[RowOutcome, int]:
    found: Counter[RowOutcome] = Counter()
    for count in counts:
        if count.outcome is not None:
            found[count.outcome] += count.rows
    return {outcome: found[outcome] for outcome in RowOutcome if outcome in found}


class ForecastView(BaseModel):
    """What is to be expected of a province this fiscal year, or (``province`` null) of all together."""

    province: str | None
    until: Annotated[date, Field(description="The last day of the fiscal year.")]
    target: int | None
    opened: int
    submitted: int
    certified: int
    under_way: int
    in_time: Annotated[
        int, Field(description="Of those under way, can still be certified this fiscal year.")
    ]
    basis: Basis
    expected: int | None
    missing: int | None
    explanation: Words

    @classmethod
    def of(cls, found: Forecast) -> "ForecastView":
        """Show a forecast and how it came about."""
        words = Words(th=found.explain("th"), en=found.explain("en"))
        return cls(explanation=words, **found.model_dump())


class DriveDetails(DriveInList):
    """A drive with its counts, the summary by province and the forecast."""

    provinces: Annotated[tuple[str, ...], Field(examples=[["21"], ["*"]])]
    pace: Annotated[int | None, Field(description="Cases per minute; null is as fast as it goes.")]
    window: int
    invite_again: bool
    renew_before: datetime | None
    file_name: str | None
    rows: int
    verdicts: dict[RowVerdict, int]
    progress: ProgressView
    by_province: tuple[ProvinceSummary, ...]
    fiscal_year: Annotated[int, Field(description="Of the Buddhist era, of the forecast.")]
    forecast: tuple[ForecastView, ...]

    @classmethod
    def of_all(
        cls,
        row: Drive,
        texts: Texts,
        provinces: frozenset[str] | Everywhere,
        counts: list[RowCount],
        fiscal_year: int,
        forecast: Iterable[Forecast],
    ) -> "DriveDetails":
        """Show everything there is."""
        outcomes = _outcomes_of(counts)
        progress = DriveProgress(**{str(outcome): rows for outcome, rows in outcomes.items()})
        return cls(
            **DriveInList.of(row, texts).model_dump(),
            provinces=tuple(sorted(provinces)),
            pace=row.pace,
            window=row.window,
            invite_again=row.invite_again,
            renew_before=row.renew_before,
            file_name=row.file_name,
            rows=sum(count.rows for count in counts),
            verdicts=verdicts_of(counts),
            progress=ProgressView.of(progress),
            by_province=ProvinceSummary.all_of(counts),
            fiscal_year=fiscal_year,
            forecast=tuple(ForecastView.of(each) for each in forecast),
        )


class RowView(BaseModel):
    """One line of the list: what it says, what the dry run says of it, and what came of it.

    ``verdict_about`` and ``outcome_about`` name the line, case, province or column that is meant.
    """

    line: int
    cells: tuple[str, ...]
    registration_no: str | None
    name_th: str | None
    name_en: str | None
    province: str | None
    email: str | None
    problems: Annotated[tuple[RowRemark, ...], Field(description="Why the row cannot be used.")]
    notes: Annotated[tuple[RowRemark, ...], Field(description="Cells that are left out, and why.")]
    verdict: RowVerdict | None
    verdict_about: str | None
    outcome: RowOutcome | None
    outcome_why: Why | None
    outcome_about: str | None
    case: str | None
    establishment: str | None

    @classmethod
    def of(cls, row: DriveRow) -> "RowView":
        """Show a row."""
        shown = set(cls.model_fields) - {"cells", "problems", "notes", "case", "establishment"}
        return cls(
            cells=cells_of(row),
            problems=problems_of(row),
            notes=notes_of(row),
            case=row.case_id,
            establishment=row.establishment_id,
            **row.model_dump(include=shown),
        )


class RowPage(BaseModel):
    """One page of rows in the order of their lines."""

    items: tuple[RowView, ...]
    next: Annotated[
        str | None, Field(description="Cursor of the next page; also in the Link header.")
    ]
