"""Bulk enrollments: what becomes of one line of a list, decided without a database.

A seminar brings a drive, a drive has rows, a row that can be used becomes one invited case. The dry
run gives each row a verdict; the run gives each an outcome. Both rest on :func:`standing_of`.
"""

import base64
import hashlib
import json
import math
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import Field

from casework.domain._model import Frozen, Instant, Line, ProvinceCode, Ref
from casework.domain.calendar import Language
from casework.domain.email import Email
from casework.domain.policy import Everywhere
from casework.domain.stages import Stage

SAME_PLACE_METERS = 200
"""Two sites of one name that are no farther apart are one site."""

_METERS_PER_DEGREE = 111_195.0
_PROVISIONAL = "unnumbered-"


class DriveKind(StrEnum):
    """Where the rows of a drive come from."""

    LIST = "list"
    RETENTION = "retention"


class DriveState(StrEnum):
    """Where a drive is. Only a draft and a ready drive take rows."""

    DRAFT = "draft"
    READY = "ready"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    FINISHED = "finished"


class RowVerdict(StrEnum):
    """What the dry run says of a row."""

    NEW = "new"
    ALREADY_OPEN = "already-open"
    ALREADY_CERTIFIED = "already-certified"
    INVITED_BEFORE = "invited-before"
    DUPLICATE = "duplicate"
    OUTSIDE_JURISDICTION = "outside-jurisdiction"
    NO_CONTACT = "no-contact"
    INVALID = "invalid"


NEVER_RUN = frozenset(
    {
        RowVerdict.DUPLICATE,
        RowVerdict.OUTSIDE_JURISDICTION,
        RowVerdict.NO_CONTACT,
        RowVerdict.INVALID,
    }
)
"""Verdicts that keep a row out of the run; the others are looked at again when their turn comes."""


class RowOutcome(StrEnum):
    """What came of a row in the run."""

    PENDING = "pending"
    OPENED = "opened"
    JOINED = "joined"
    SKIPPED = "skipped"
    FAILED = "failed"


class Why(StrEnum):
    """Why a row was skipped or failed. The first six have the name of the verdict they come from."""

    ALREADY_CERTIFIED = "already-certified"
    INVITED_BEFORE = "invited-before"
    DUPLICATE = "duplicate"
    OUTSIDE_JURISDICTION = "outside-jurisdiction"
    NO_CONTACT = "no-contact"
    INVALID = "invalid"
    DRIVE_STOPPED = "drive-stopped"
    BEING_APPLIED_FOR = "being-applied-for"
    NO_ANSWER = "no-answer"
    REFUSED = "refused"


class ListedSite(Frozen):
    """An establishment as one row of a list describes it, brought into one form.

    A row that can be used gives a registration number, or a name and a province. A contact may be
    missing: whether somebody can be invited without one is not decided here.
    """

    registration_no: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    name_th: Line | None = None
    name_en: Line | None = None
    address: Line | None = None
    province: ProvinceCode | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    contact_name: Line | None = None
    email: Email | None = None
    phone: Annotated[str, Field(max_length=40)] | None = None
    language: Language = "th"


class RowRemark(Frozen):
    """What is wrong with a row, or with one cell of it.

    ``column`` is the list's own name of it, None for the whole row; ``code`` is for machines.
    """

    column: str | None = None
    code: str | None = None
    reason: str


class ListedRow(Frozen):
    """One row of a list: its cells as they were uploaded, and the site that they describe.

    ``line`` is where it stands in the file. ``problems`` say why there is no site; ``notes`` name
    cells that were left out of it.
    """

    line: int
    cells: tuple[str, ...] = ()
    site: ListedSite | None = None
    problems: tuple[RowRemark, ...] = ()
    notes: tuple[RowRemark, ...] = ()


class LastCase(Frozen):
    """A case of an establishment in the program, as far as it matters to a drive.

    ``stage`` is None while the case is only reserved. ``has_applied`` tells an application from an
    invitation that nobody took up.
    """

    case_id: Ref
    cycle: int = 1
    stage: Stage | None = None
    is_closed: bool = False
    has_applied: bool = False
    valid_until: Instant | None = None
    reserved_at: Instant


class Known(Frozen):
    """What is on file about the establishment of a row: its cases in the program, oldest first."""

    establishment: Ref
    province: ProvinceCode
    has_contact: bool
    cases: tuple[LastCase, ...] = ()


class Standing(StrEnum):
    """How an establishment stands to an invitation."""

    FREE = "free"
    RESERVED = "reserved"
    """Somebody reserved its case a moment ago and has not started it yet."""
    OPEN = "open"
    CERTIFIED = "certified"
    INVITED_BEFORE = "invited-before"
    """Its last case was an invitation that it declined or let lapse."""


class Stand(NamedTuple):
    """A standing and the case it comes from; ``replaces`` is a reservation that was given up."""

    standing: Standing
    case_id: str | None = None
    next_cycle: int = 1
    replaces: str | None = None


class DriveTerms(Frozen):
    """What a drive may do: where, and whom it asks again.

    ``renew_before``: a certification that ends before this instant does not keep its holder out.
    """

    provinces: frozenset[ProvinceCode] | Everywhere
    invite_again: bool = False
    renew_before: Instant | None = None


class Judged(NamedTuple):
    """A verdict, and the case, line, province or field that it is about."""

    verdict: RowVerdict
    about: str | None = None


def standing_of(
    cases: tuple[LastCase, ...], terms: DriveTerms, now: datetime, give_up_after: timedelta
) -> Stand:
    """Say how an establishment stands to an invitation now.

    Args:
        cases: its cases in the program, oldest first.
        terms: of the drive.
        now: the present.
        give_up_after: how long a reservation without a case holds others up.
    """
    if not cases:
        return Stand(Standing.FREE)
    last = cases[-1]
    if last.stage is None:
        if last.reserved_at > now - give_up_after:
            return Stand(Standing.RESERVED, last.case_id)
        before = standing_of(cases[:-1], terms, now, give_up_after)
        return before._replace(next_cycle=last.cycle, replaces=last.case_id)
    certified = next((c for c in reversed(cases) if c.stage is Stage.CERTIFIED), None)
    if not last.is_closed and last is not certified:
        return Stand(Standing.OPEN, last.case_id)
    following = last.cycle + 1
    if certified is not None and not _ends_before(certified, terms.renew_before):
        return Stand(Standing.CERTIFIED, certified.case_id, following)
    if last.is_closed and not last.has_applied and not terms.invite_again:
        return Stand(Standing.INVITED_BEFORE, last.case_id, following)
    return Stand(Standing.FREE, next_cycle=following)


def _ends_before(case: LastCase, instant: datetime | None) -> bool:
    return instant is not None and case.valid_until is not None and case.valid_until < instant


def judge_row(
    site: ListedSite,
    known: Known | None,
    terms: DriveTerms,
    now: datetime,
    give_up_after: timedelta,
) -> Judged:
    """Return the verdict on a row that can be read and is no duplicate."""
    province = known.province if known else site.province
    if known is None and not (site.name_th or site.name_en):
        return Judged(RowVerdict.INVALID, "name")
    if province is None:
        return Judged(RowVerdict.INVALID, "province")
    if not covers(terms, province):
        return Judged(RowVerdict.OUTSIDE_JURISDICTION, province)
    stand = standing_of(known.cases if known else (), terms, now, give_up_after)
    match stand.standing:
        case Standing.OPEN | Standing.RESERVED:
            return Judged(RowVerdict.ALREADY_OPEN, stand.case_id)
        case Standing.CERTIFIED:
            return Judged(RowVerdict.ALREADY_CERTIFIED, stand.case_id)
        case Standing.INVITED_BEFORE:
            return Judged(RowVerdict.INVITED_BEFORE, stand.case_id)
        case Standing.FREE:
            reachable = site.email is not None or (known is not None and known.has_contact)
            return Judged(RowVerdict.NEW if reachable else RowVerdict.NO_CONTACT)


def covers(terms: DriveTerms, province: str) -> bool:
    """Say whether the drive may invite in this province."""
    return terms.provinces == "*" or province in terms.provinces


def meters_between(
    latitude: float, longitude: float, other_latitude: float, other_longitude: float
) -> float:
    """Return the distance of two places (WGS 84, degrees), within 1 % up to some kilometers."""
    north = (latitude - other_latitude) * _METERS_PER_DEGREE
    apart = (longitude - other_longitude + 180) % 360 - 180
    middle = math.radians((latitude + other_latitude) / 2)
    return math.hypot(north, apart * _METERS_PER_DEGREE * math.cos(middle))


def provisional_number(
    name: str, province: str, latitude: float | None, longitude: float | None
) -> str:
    """Return what stands for the registration number of a site whose number nobody knows.

    Always the same for the same name (in the form that search compares) and place, so that lists
    which are uploaded twice do not make two establishments.
    """
    place = [None if x is None else f"{x:.4f}" for x in (latitude, longitude)]
    text = json.dumps([name, province, *place], ensure_ascii=False)
    letters = base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()
    return f"{_PROVISIONAL}{letters[:12]}"


def is_provisional(registration_no: str) -> bool:
    """Say whether this only stands for a registration number."""
    return registration_no.startswith(_PROVISIONAL)
