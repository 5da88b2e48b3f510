"""A register of real sites with made-up certifications, and cases the community is asked about."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path

import casework
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts.casebook import Unrecorded
from casework.domain.calendar import local_date
from casework.domain.register import RegisterStatus
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.register.entry import CertificationEntry, FeedbackCounts
from casework.store.cases.calendars import keep_calendar
from casework.store.cases.casebook import END_OF_TIME
from casework.store.database import Database
from casework.store.register import add_entry
from casework.store.search import searchable
from casework.store.tables import CaseRow, Contact, Establishment
from tests.sample_case import NOW
from tests.store.story import Story

SITES = Path(casework.__file__).parent / "demo" / "data" / "establishments.csv"

CASE = "eco-k3v9a2q7m4tz"
"""The case the community is asked about, unless a test says otherwise."""

SITE = "Kamphaengphet Mill"
"""The site of that case."""


def sites() -> Sequence[Establishment]:
    """Return the 150 sites of the demonstration, with their real English names."""
    with SITES.open(encoding="utf-8", newline="") as file:
        return [
            _site(
                f"est-{n:012d}",
                row["name_en"],
                row["province_code"],
                latitude=float(row["latitude"]),
                longitude=float(row["longitude"]),
            )
            for n, row in enumerate(csv.DictReader(file), start=1)
        ]


def _site(id_: str, name_en: str | None, province: str, **more: object) -> Establishment:
    return Establishment.model_validate(
        {
            "id": id_,
            "registration_no": f"3-{id_[4:]}",
            "name_en": name_en,
            "address": "1 Moo 1",
            "province": province,
            "search_text": searchable(name_en),
            "created_at": NOW,
            "updated_at": NOW,
            **more,
        }
    )


def entry(
    site: Establishment,
    catalog: ProgramCatalog,
    program: str = "eco-network",
    *,
    version: int = 10,
    status: RegisterStatus = RegisterStatus.ACTIVE,
    granted_on: date | None = None,
    years: int = 3,
    effective_at: datetime = NOW,
    feedback: FeedbackCounts | None = None,
    cycle: int = 1,
) -> CertificationEntry:
    """Return an entry for a site as the register would hold it."""
    words = catalog.versions(program)[0]
    codes = list(words.levels)
    level = codes[int(site.id[-1]) % len(codes)]
    granted_on = granted_on or local_date(effective_at)
    return CertificationEntry(
        case_id=f"{words.prefix}-{site.id[4:]}-{cycle}",
        version=version,
        establishment_id=site.id,
        program=program,
        program_version=words.version,
        program_name=words.name,
        status=status,
        province=site.province,
        level=level,
        level_name=words.levels[level].name,
        granted_on=granted_on,
        valid_until=granted_on.replace(year=granted_on.year + years),
        effective_at=effective_at,
        name_th=site.name_th,
        name_en=site.name_en,
        river_basin=site.river_basin,
        latitude=None if site.latitude is None else round(site.latitude, 2),
        longitude=None if site.longitude is None else round(site.longitude, 2),
        feedback=feedback or FeedbackCounts(),
    )


def entries(catalog: ProgramCatalog) -> Iterator[CertificationEntry]:
    """Yield entries for most of the sites: valid ones, one that expired, in both programs."""
    for n, site in enumerate(sites()[:70]):
        digest = hashlib.sha256(site.id.encode()).digest()
        program = "river-governance" if digest[0] % 3 == 0 else "eco-network"
        granted = NOW - timedelta(days=40 + digest[1] * 4)
        if n % 14 == 3:
            granted = NOW.replace(year=NOW.year - 3) - timedelta(days=4)
        said = FeedbackCounts(
            support=digest[2] % 40, neutral=digest[3] % 9, objection=digest[4] % 6
        )
        told = entry(site, catalog, program, effective_at=granted, feedback=said)
        yield told
        if n % 14 == 3:
            ended = {"version": 11, "status": RegisterStatus.EXPIRED}
            yield told.model_copy(update={**ended, "effective_at": NOW - timedelta(days=3)})


def publish(database: Database, *new: CertificationEntry, now: datetime = NOW) -> list[int]:
    """Add entries as the publication of their cases would, and return their numbers."""
    numbers: list[int] = []
    with database.writing() as session:
        for each in new:
            if session.get(CaseRow, each.case_id) is None:
                session.add(_case(each))
                session.flush()
            numbers.append(add_entry(session, each, now))
    return numbers


def _case(published: CertificationEntry) -> CaseRow:
    # The register needs no more of a case than that it is there.
    return CaseRow(
        case_id=published.case_id,
        version=published.version,
        stage=Stage.CERTIFIED,
        program=published.program,
        program_version=published.program_version,
        province=published.province,
        establishment_id=published.establishment_id,
        queue_at=END_OF_TIME,
        opened_at=published.effective_at,
        changed_at=published.effective_at,
        calendar_revision="none",
        snapshot="{}",
    )


def fill(database: Database, catalog: ProgramCatalog) -> None:
    """Store the sites, publish the entries, and ask the community about one site."""
    with database.writing() as session:
        session.add_all(sites())
    publish(database, *entries(catalog))
    site = next(site for site in sites() if site.name_en == SITE)
    ask_the_community(database, catalog, site)


def ask_the_community(
    database: Database,
    catalog: ProgramCatalog,
    site: Establishment,
    case_id: str = CASE,
    stage: Stage = Stage.FEEDBACK,
) -> Story:
    """Bring a case of this site to its feedback period, or on from there, with its notices."""
    with database.writing() as session:
        session.add(
            Contact(
                id="con-1",
                establishment_id=site.id,
                name="Somsri",
                email="somsri@site.example",
                language="th",
                created_at=NOW,
            )
        )
    rules = catalog.get("eco-network", "1").rules()
    story = Story(case_id, establishment=site.id, province=site.province, rules=rules)
    return tell(database, story.lead_to(stage))


def tell(database: Database, story: Story, *, since: int = 0) -> Story:
    """Record what happened in a story, with the notices that follow, as whoever has Temporal's receipt does."""
    rules = story.terms.rules
    recorder = CaseRecorder(database, CaseReader(database, lambda program, version: rules))
    for moment in story.requests[since:]:
        with database.writing() as session:
            keep_calendar(session, moment.case.terms.calendar)
        recorder.record(Unrecorded.of(moment.case, moment.events))
    return story
