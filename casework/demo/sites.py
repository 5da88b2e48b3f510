"""The real sites that the demo uses, and what it makes up about them."""

import csv
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import select
from sqlmodel import col

from casework.programs.provinces import provinces
from casework.store.database import Database
from casework.store.keys import new_id
from casework.store.search import searchable
from casework.store.tables import Establishment

SOURCE = Path(__file__).parent / "data" / "establishments.csv"


class Site(NamedTuple):
    """One line of the source. ``number`` is that of its line, counted from 1 without the header."""

    number: int
    name_en: str
    province: str
    latitude: float
    longitude: float
    fuel: str | None

    @property
    def registration_no(self) -> str:
        """A registration number that no real factory has."""
        return f"DEMO-{self.province}-{self.number:03}"

    @property
    def address(self) -> str:
        """As much of an address as the source knows."""
        place = provinces()[self.province]
        return f"จังหวัด{place.name_th} ({place.name_en})"


def read_sites() -> tuple[Site, ...]:
    """Read all sites, in the order of the source."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        return tuple(
            Site(
                number=number,
                name_en=row["name_en"],
                province=row["province_code"],
                latitude=float(row["latitude"]),
                longitude=float(row["longitude"]),
                fuel=row["fuel"] or None,
            )
            for number, row in enumerate(csv.DictReader(file), start=1)
        )


def load_sites(database: Database, sites: Iterable[Site], now: datetime) -> Mapping[str, str]:
    """Put the sites into the database, each once; return their ids by registration number."""
    numbers = col(Establishment.registration_no)
    with database.writing() as session:
        known = select(numbers, col(Establishment.id)).where(numbers.startswith("DEMO-"))
        ids = {row[0]: row[1] for row in session.execute(known)}
        for site in sites:
            if site.registration_no in ids:
                continue
            row = Establishment(
                id=new_id("est"),
                registration_no=site.registration_no,
                name_en=site.name_en,
                address=site.address,
                province=site.province,
                latitude=site.latitude,
                longitude=site.longitude,
                search_text=searchable(site.registration_no, site.name_en, site.address),
                created_at=now,
                updated_at=now,
            )
            session.add(row)
            ids[row.registration_no] = row.id
    return ids
