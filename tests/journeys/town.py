"""A whole system for journeys: Temporal, worker, API and mail as processes of their own, and one site that applies."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from casework.audit.verification import verify_case
from casework.demo.cases import PAPER, Performer
from casework.demo.client import Answer, Client, Json, expect
from casework.demo.notebook import Notebook
from casework.demo.people import staff_of
from casework.demo.processes import Ports, Processes
from casework.demo.sites import Site, load_sites, read_sites
from casework.demo.steps import Cast, Goal, next_step
from casework.domain.stages import Stage
from casework.people.directory import put_members
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.store.database import Database


class Town:
    """One site, its people and its case, seen through HTTP alone."""

    def __init__(self, folder: Path) -> None:
        """Describe the system; nothing is started yet."""
        ports = Ports.of(api=None, temporal=None, ui=None, smtp=None, choose_free=True)
        self.processes = Processes(folder, ports)
        self.database = Database(self.processes.settings.database)
        self.client = Client(self.processes.url, self.processes.settings, self.processes.check)
        self.site: Site = next(s for s in read_sites() if s.name_en == "Khon Kaen Sugar Mill")
        self.performer: Performer
        self.case_id = ""

    @property
    def cast(self) -> Cast:
        """Everybody who acts in the case."""
        return self.performer.cast_of(self.site)

    def settle(self) -> None:
        """Migrate, bring in people and sites, and start everything."""
        self.database.migrate()
        sites = read_sites()
        put_members(self.database, staff_of([provinces()[self.site.province]]))
        establishments = load_sites(self.database, sites, datetime.now(UTC))
        self.processes.start(sample_programs=True)
        cast = Cast.of(self.site, establishments[self.site.registration_no])
        evidence = self.client.upload(PAPER, "application/pdf", cast.applicant, "paper")
        self.performer = Performer(
            self.client,
            ProgramCatalog.load(),
            Notebook(self.processes.folder / "notebook.json"),
            establishments,
            evidence,
        )

    def apply(self, program: str = "eco-network") -> None:
        """Open the case."""
        self.performer.apply(self.site, program)
        self.case_id = str(self.performer.notebook.case_of(self.site.registration_no))

    def view(self) -> Json:
        """Return the case as its officer sees it."""
        return self.client.case(self.case_id, self.cast.officer)

    def stage(self) -> Stage:
        """Return where the case is."""
        return Stage(self.view()["stage"])

    def step(self, goal: Goal) -> Answer | None:
        """Do the next act on the way to the goal, or None when it is time that has to act."""
        view = self.view()
        step = next_step(self.performer.situation(self.site, goal, view))
        if step is None:
            return None
        key = f"{self.case_id}-{step.act}-{view['version']}"
        return expect(self.client.act(view, step.act, step.body, step.who, key), 200)

    def await_stage(self, *stages: Stage) -> Json:
        """Wait until the case is at one of the stages."""

        def arrived() -> Json | None:
            view = self.view()
            return view if view["stage"] in stages else None

        return self.client.wait_until(f"the case to be at {', '.join(stages)}", arrived)

    def journal(self) -> list[str]:
        """Return the types of the events in order."""
        return [line["type"] for line in self.client.journal(self.case_id, self.cast.officer)]

    def await_notices(self, *states: str) -> list[Json]:
        """Wait until every notice of the case is sent (or in one of the other states named)."""

        def gone() -> list[Json] | None:
            rows = self.client.notices(self.case_id, self.cast.officer)
            return rows if rows and all(r["state"] in {"sent", *states} for r in rows) else None

        return self.client.wait_until("the notices to leave", gone)

    def check(self) -> None:
        """See that journal, chain and read model tell one story."""
        verdict = verify_case(self.database, self.performer.catalog, self.case_id)
        assert verdict.differences == ()
        assert verdict.events == self.view()["version"]


@contextmanager
def town_at(folder: Path) -> Iterator[Town]:
    """Have a system that is up, and end it by its own process ids."""
    town = Town(folder)
    try:
        town.settle()
        yield town
    finally:
        town.client.close()
        town.processes.stop()
        town.database.close()
