"""One case from application to publication in front of the reader, with a worker that dies on the way."""

from collections.abc import Iterator
from typing import NamedTuple

from casework.demo.cases import Performer
from casework.demo.client import Answer, Json, Who, expect
from casework.demo.people import DOMAIN
from casework.demo.processes import Processes
from casework.demo.sites import Site
from casework.demo.steps import Step, next_step
from casework.demo.stories import TOUR
from casework.demo.telling import Teller
from casework.domain.actors import ActorKind
from casework.domain.stages import Stage

_SENTENCES = {
    "return-application": "The officer returns the application: one item is missing.",
    "resubmit-application": "The establishment answers the item.",
    "accept-application": "The officer accepts the application.",
    "schedule-inspection": "The officer fixes the day of the visit and names an inspector.",
    "file-inspection": "The inspector files the findings: one minor nonconformity.",
    "submit-corrective-action": "The establishment reports what it did about it.",
    "verify-corrective-action": "The inspector accepts it, and the feedback period opens.",
    "dispose-representations": "The officer answers the representations, with one reasoned answer.",
    "recommend": "The reviewer recommends to grant.",
    "decide": "The decision maker grants the certification.",
}

_THAI_PAGE = "/th/cases/{}/feedback"


class Walked(NamedTuple):
    """What the tour claims, for the reader to look at and for the demo to check."""

    case_id: str
    site: Site
    officer: Who
    public_path: str
    killed_pid: int
    second_pid: int
    lines_before_kill: int
    refused: Answer | None


class Tour:
    """Tell the story of one case. What happens is decided by the engine, not here."""

    def __init__(self, performer: Performer, processes: Processes, teller: Teller) -> None:
        """Keep who acts, what can be killed, and who tells."""
        self._performer = performer
        self._client = performer.client
        self._processes = processes
        self._teller = teller
        self._number = 0
        self._told: set[tuple[str, int, str]] = set()
        self._pids: tuple[int, int] | None = None
        self._lines_before_kill = 0
        self._refused: Answer | None = None

    def walk(self, site: Site) -> Walked:
        """Bring the site's case to its end, from where it is."""
        cast = self._performer.cast_of(site)
        if self._performer.notebook.case_of(site.registration_no) is None:
            self._begin(f"{site.name_en} applies for {TOUR.program}.")
            answer = self._performer.apply(site, TOUR.program, on_tour=True)
            self._exchange(answer, cast.applicant, answer.body["case"], cast.officer)
        while True:
            view = self._performer.look(site)
            match Stage(view["stage"]):
                case Stage.FEEDBACK:
                    self._feedback(view, cast.officer)
                    continue
                case Stage.REVIEW if self._refused is None:
                    self._try_both_parts(view, cast.inspector)
                case Stage.CERTIFIED:
                    break
                case _:
                    pass
            step = next_step(self._performer.situation(site, TOUR, view))
            if step is None:
                raise AssertionError(f"nothing is left to do at {view['stage']}")
            self._act(view, step, cast.officer)
        view = self._published(site)
        if self._pids is None:
            # The case was past its feedback period when this start took it up again.
            self._kill_and_start(view["id"], cast.officer)
        first, second = self._pids or (0, 0)
        self._performer.notebook.came_to_rest(site.registration_no)
        return Walked(
            case_id=view["id"],
            site=site,
            officer=cast.officer,
            public_path=f"/r/{self._public_id(view['register_entry'])}",
            killed_pid=first,
            second_pid=second,
            lines_before_kill=self._lines_before_kill,
            refused=self._refused,
        )

    def _act(self, view: Json, step: Step, officer: Who) -> None:
        self._begin(_SENTENCES[step.act])
        key = f"demo-{view['id']}-{step.act}-{view['version']}"
        answer = expect(self._client.act(view, step.act, step.body, step.who, key), 200)
        self._exchange(answer, step.who, view["id"], officer)

    def _feedback(self, view: Json, officer: Who) -> None:
        """Let the community speak, take the worker away, and let the period end by its timer."""
        case_id = view["id"]
        self._begin(
            "Neighbors speak: one by the public form, one by the API. No account is needed."
        )
        form = {
            "stance": "objection",
            "text": "ช่วงหีบอ้อยมีเขม่าตกบนผ้าที่ตากไว้ ขอให้แก้ไขก่อนให้การรับรอง",
            "name": "ชาวบ้านหลังโรงงาน (ตัวอย่าง)",
            "email": f"neighbor-1@{DOMAIN}",
            # Any 32 hexadecimal digits: the form carries them so that it is stored once.
            "key": f"{sum(map(ord, case_id)):032x}",
        }
        page = self._client.form(_THAI_PAGE.format(case_id), form)
        shown = Answer("POST", _THAI_PAGE.format(case_id), page.status_code, {})
        self._teller.exchange(expect(shown, 303), "a neighbor, by the form")
        answer = expect(self._performer.speak(case_id, "support", 2), 200, 201)
        self._exchange(answer, Who("a neighbor", ()), case_id, officer)
        self._kill_and_start(case_id, officer)
        self._begin("The feedback period ends by its timer; nobody has to do anything.")
        ended = self._client.wait_until(
            "the feedback period to end", lambda: self._past_feedback(case_id, officer)
        )
        answer = Answer("GET", f"/api/v1/cases/{case_id}", 200, ended)
        self._exchange(answer, officer, case_id, officer)

    def _past_feedback(self, case_id: str, officer: Who) -> Json | None:
        view = self._client.case(case_id, officer)
        return view if view["stage"] != Stage.FEEDBACK else None

    def _kill_and_start(self, case_id: str, officer: Who) -> None:
        """Kill the worker with SIGKILL, look at what goes on without it, and start another."""
        # A notice that is just being sent would be left unknown, and that is another story.
        self._client.wait_until(
            "the notices to leave", lambda: all(self._sent(case_id, officer)) or None
        )
        self._lines_before_kill = len(self._client.journal(case_id, officer))
        first = self._processes.kill_worker()
        self._begin(f"The worker dies: process {first} gets SIGKILL. Reading and the pages go on.")
        view = self._client.case(case_id, officer)
        self._exchange(Answer("GET", f"/api/v1/cases/{case_id}", 200, view), officer)
        path = _THAI_PAGE.format(case_id)
        self._teller.exchange(
            Answer("GET", path, self._client.page(path).status_code, {}), "anybody"
        )
        second = self._processes.start_worker()
        self._pids = (first, second)
        self._teller.say(f"    Another worker takes over: process {second}.")

    def _sent(self, case_id: str, officer: Who) -> Iterator[bool]:
        for row in self._client.notices(case_id, officer):
            yield row["state"] == "sent"

    def _try_both_parts(self, view: Json, inspector: Who) -> None:
        """Show that impartiality goes by person: the inspector who is also a reviewer is refused."""
        self._begin(
            "The inspector, who is a reviewer too, tries to recommend: impartiality says no."
        )
        both = inspector._replace(parts=(ActorKind.INSPECTOR, ActorKind.REVIEWER))
        body = {"advice": "grant", "reasons": "ตรวจเองแล้ว"}
        key = f"demo-{view['id']}-both-parts"
        self._refused = expect(self._client.act(view, "recommend", body, both, key), 403, 409)
        self._exchange(self._refused, both)

    def _published(self, site: Site) -> Json:
        self._begin("Publication starts by itself: the register has a new entry.")

        def entered() -> Json | None:
            view = self._performer.look(site)
            return view if view["register_entry"] is not None else None

        view = self._client.wait_until("the register entry", entered)
        officer = self._performer.cast_of(site).officer
        answer = Answer("GET", f"/api/v1/cases/{view['id']}", 200, view)
        self._exchange(answer, officer, view["id"], officer)
        return view

    def _public_id(self, entry: int) -> str:
        """Find the entry in the register as data, where everybody finds it."""

        def found() -> str | None:
            records = self._client.page("/register.json").json()["records"]
            return next((row["id"] for row in records if row["entry"] == entry), None)

        return self._client.wait_until("the entry in the register", found)

    def _begin(self, sentence: str) -> None:
        self._number += 1
        self._teller.step(self._number, sentence)

    def _exchange(
        self, answer: Answer, who: Who, case_id: str | None = None, officer: Who | None = None
    ) -> None:
        """Tell of an answer, with the notices that are new since the last time."""
        rows = self._client.notices(case_id, officer) if case_id and officer else []
        new = [row for row in rows if _name(row) not in self._told]
        self._told |= {_name(row) for row in new}
        self._teller.exchange(answer, who.person, new)


def _name(row: Json) -> tuple[str, int, str]:
    return row["notice"], row["about"], row["recipient"]
