"""What is on file about the establishments of some rows: asked for many at once."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import NamedTuple, cast

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain.drives import Known, LastCase, is_provisional
from casework.domain.duplicates import Spot, same_place
from casework.domain.stages import Stage
from casework.store.drives.tables import DriveRow
from casework.store.search import searchable
from casework.store.tables import CaseRow, Contact, Enrollment, Establishment, JournalRow


class _Site(NamedTuple):
    id: str
    registration_no: str
    name_th: str | None
    name_en: str | None
    address: str
    province: str
    latitude: float | None
    longitude: float | None


_COLUMNS = (
    col(Establishment.id),
    col(Establishment.registration_no),
    col(Establishment.name_th),
    col(Establishment.name_en),
    col(Establishment.address),
    col(Establishment.province),
    col(Establishment.latitude),
    col(Establishment.longitude),
)


def known_to(session: Session, program: str, rows: Sequence[DriveRow]) -> dict[int, Known]:
    """Return by line what is known of the rows' establishments, in at most 5 statements.

    A row belongs to the establishment with its registration number; without one, on either side,
    to the one of the same name in the same place.
    """
    ids = establishments_of(session, rows)
    wanted = set(ids.values())
    provinces = provinces_of_establishments(session, wanted)
    cases = cases_of(session, program, wanted)
    reachable = contacts_of(session, wanted)
    return {
        line: Known(
            establishment=establishment,
            province=provinces[establishment],
            has_contact=establishment in reachable,
            cases=tuple(cases.get(establishment, ())),
        )
        for line, establishment in ids.items()
    }


def establishments_of(session: Session, rows: Sequence[DriveRow]) -> dict[int, str]:
    """Return by line the establishments that are on file already. At most 2 statements."""
    found = {row.line: row.establishment_id for row in rows if row.establishment_id}
    numbers = {row.registration_no for row in rows if row.registration_no}
    by_number: dict[str, str] = {}
    if numbers:
        numbered = select(col(Establishment.registration_no), col(Establishment.id)).where(
            col(Establishment.registration_no).in_(sorted(numbers))
        )
        by_number = dict(cast("list[tuple[str, str]]", session.execute(numbered).all()))
    unmatched: list[DriveRow] = []
    for row in rows:
        if row.line in found:
            continue
        if row.registration_no in by_number:
            found[row.line] = by_number[row.registration_no]
        elif row.province and (row.name_key_th or row.name_key_en):
            unmatched.append(row)
    return found | _by_name_and_place(session, unmatched)


def provinces_of_establishments(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Return the provinces of establishments, by id."""
    if not ids:
        return {}
    rows = session.execute(
        select(col(Establishment.id), col(Establishment.province)).where(
            col(Establishment.id).in_(sorted(ids))
        )
    )
    return dict(cast("list[tuple[str, str]]", rows.all()))


def contacts_of(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Return the id of the latest contact of each establishment that has one."""
    if not ids:
        return {}
    place = (
        func.row_number()
        .over(
            partition_by=col(Contact.establishment_id),
            order_by=(col(Contact.created_at).desc(), col(Contact.id)),
        )
        .label("place")
    )
    latest = (
        select(col(Contact.establishment_id), col(Contact.id), place)
        .where(col(Contact.establishment_id).in_(sorted(ids)))
        .subquery()
    )
    rows = session.execute(
        select(latest.c.establishment_id, latest.c.id).where(latest.c.place == 1)
    )
    return dict(cast("list[tuple[str, str]]", rows.all()))


def cases_of(session: Session, program: str, ids: Collection[str]) -> dict[str, list[LastCase]]:
    """Return the cases of establishments in a program, the oldest first. One statement."""
    if not ids:
        return {}
    applied = exists(
        select(col(JournalRow.case_id)).where(
            col(JournalRow.case_id) == col(Enrollment.case_id),
            col(JournalRow.type) == "ApplicationSubmitted",
        )
    )
    rows = session.execute(
        select(
            col(Enrollment.establishment_id),
            col(Enrollment.case_id),
            col(Enrollment.cycle),
            col(Enrollment.created_at),
            col(CaseRow.stage),
            col(CaseRow.is_closed),
            col(CaseRow.valid_until),
            applied,
        )
        .outerjoin(CaseRow, col(CaseRow.case_id) == col(Enrollment.case_id))
        .where(
            col(Enrollment.program) == program,
            col(Enrollment.establishment_id).in_(sorted(ids)),
        )
        .order_by(col(Enrollment.establishment_id), col(Enrollment.cycle))
    )
    cases: defaultdict[str, list[LastCase]] = defaultdict(list)
    for establishment, case_id, cycle, created_at, stage, is_closed, valid_until, has in rows:
        cases[establishment].append(
            LastCase(
                case_id=case_id,
                cycle=cycle,
                stage=Stage(stage) if stage else None,
                is_closed=bool(is_closed),
                has_applied=bool(has),
                valid_until=valid_until,
                reserved_at=created_at,
            )
        )
    return dict(cases)


def _by_name_and_place(session: Session, rows: Sequence[DriveRow]) -> dict[int, str]:
    if not rows:
        return {}
    thai = sorted({row.name_th for row in rows if row.name_th})
    english = sorted({row.name_en.lower() for row in rows if row.name_en})
    candidates: defaultdict[tuple[str, str], list[_Site]] = defaultdict(list)
    # Names as they were written find candidates; their searchable form decides.
    named = select(*_COLUMNS).where(
        col(Establishment.province).in_(sorted({row.province for row in rows if row.province})),
        or_(
            col(Establishment.name_th).in_(thai),
            func.lower(col(Establishment.name_en)).in_(english),
        ),
    )
    for found in session.execute(named.order_by(col(Establishment.id))):
        site = _Site(*found)
        for name in {searchable(site.name_th), searchable(site.name_en)} - {""}:
            candidates[site.province, name].append(site)
    return {
        row.line: site.id
        for row in rows
        if (site := next((s for s in _named(candidates, row) if _same(row, s)), None))
    }


def _named(candidates: dict[tuple[str, str], list[_Site]], row: DriveRow) -> list[_Site]:
    names = [name for name in (row.name_key_th, row.name_key_en) if name]
    return [site for name in names for site in candidates.get((row.province or "", name), ())]


def _same(row: DriveRow, site: _Site) -> bool:
    own = None if is_provisional(site.registration_no) else site.registration_no
    if own and row.registration_no:
        return False
    return same_place(
        Spot(row.line, row.registration_no, row.latitude, row.longitude, row.address_key),
        Spot(0, own, site.latitude, site.longitude, searchable(site.address) or None),
    )
