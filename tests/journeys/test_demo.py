"""The demo from its start to Ctrl-C, and a second start that goes on with what is there.

With `CASEWORK_PICTURES` set to a folder, the pictures of the README are taken on the way:
`CASEWORK_PICTURES=docs/img make test TESTS=tests/journeys/test_demo.py`.
"""

import contextlib
import os
import re
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import httpx2
import pytest
from playwright.async_api import Browser, expect

from casework.processes.servers import ManagedProcess, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS

_PORTS = ("--api-port", "--temporal-port", "--ui-port", "--smtp-port")

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("demo")]


class Demo(NamedTuple):
    """A demo that stays up: its process, its folder and what it has printed."""

    process: ManagedProcess
    folder: Path
    log: Path

    @property
    def told(self) -> str:
        return read(self.log)

    def address(self, what: str) -> str:
        found = re.search(rf"^{what} +(http\S+)$", self.told, re.MULTILINE)
        assert found is not None, self.told
        return found[1]


def demo_of(folder: Path, log: Path, *arguments: str) -> ManagedProcess:
    """Describe the demo as a person would start it, somewhere else than in the checkout."""
    return ManagedProcess(
        "the demo",
        [sys.executable, "-m", "casework.cli.app", "demo", "--folder", str(folder), *arguments],
        log=log,
        cwd=log.parent,
        # A system of somebody else on this machine must not be touched.
        env={"CASEWORK_DATABASE_URL": "postgresql+psycopg://nobody@nowhere/x"},
        is_ready=None if "--once" in arguments else lambda: "stays up until Ctrl-C" in read(log),
        stop_signal=signal.SIGINT,
        stop_seconds=LONGEST_WAIT_SECONDS,
    )


def read(log: Path) -> str:
    return log.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Run the demo until it stays up; end it if no test has."""
    place = tmp_path_factory.mktemp("demo")
    ports = [word for name in _PORTS for word in (name, str(free_port()))]
    folder, log = place / "state", place / "first.log"
    with demo_of(folder, log, *ports) as process:
        yield Demo(process, folder, log)


def test_everything_it_says_is_true(demo: Demo):
    assert re.findall(r"^FALSE.*$", demo.told, re.MULTILINE) == []
    assert len(re.findall(r"^ok  ", demo.told, re.MULTILINE)) >= 22


def test_cases_stand_at_every_stage_that_needs_neither_a_drive_nor_weeks(demo: Demo):
    (stages,) = re.findall(r"24 cases are at 12 stages: (.*)", demo.told)
    assert set(stages.split(", ")) == {
        "application-review",
        "returned",
        "inspection",
        "corrective-action",
        "feedback",
        "answering",
        "review",
        "decision",
        "certified",
        "refused",
        "rejected",
        "withdrawn",
    }


def test_the_case_goes_on_after_its_worker_was_killed(demo: Demo):
    """The line of the kill comes before the end of the feedback period and the grant."""
    told = demo.told
    killed = told.index("gets SIGKILL")
    assert told.index("feedback, version 9") < killed
    assert killed < told.index("answering, version 10") < told.index("certified, version 13")


def test_a_seminar_becomes_a_drive_with_an_outcome_for_each_line(demo: Demo):
    """The dry run by counts, the progress with its pause, the outcomes and the forecast, line by line."""
    told = demo.told
    verdicts = re.search(r"^dry run\trows\n((?:.+\t\d+\n)+)", told, re.MULTILINE)
    assert verdicts is not None, told
    assert verdicts[1].split() == [
        *("new", "131", "already-open", "9", "already-certified", "2", "invited-before", "5"),
        *("duplicate", "2", "no-contact", "3", "invalid", "1"),
    ]
    order = [
        told.index("running: "),
        told.index("finished: 153 of 153 rows, 131 opened, 9 joined, 13 skipped"),
        told.index("missing\nall\t40\t150\t14\t2\t-\t-\n"),
    ]
    assert order == sorted(order)


def test_invitations_lapse_are_taken_up_and_are_declined(demo: Demo):
    for line in (
        r"→ 200, lapsed, version 3; written: invitation to applicant, deadline-reminder to applicant",
        r"GET /th/apply/\S+ \(the invited\) → 410",
        r"POST /th/apply/\S+ \(the invited sends it\) → 303",
        r"→ 200, application-review, version 2; written: invitation to applicant",
        r"→ 200, declined, version 2; written: invitation to applicant",
    ):
        assert re.search(line, demo.told), line


def test_each_step_says_what_was_asked_what_came_back_and_who_was_written_to(demo: Demo):
    line = (
        r"POST /api/v1/cases/\S+/acts/decide \(decision-maker-40\) → 200, certified, version 13; "
        r"written: .*decision-granted to applicant"
    )
    assert re.search(line, demo.told)


async def test_a_reader_can_look_at_the_pages(demo: Demo, chromium: Browser):
    """The public page in Thai, and the case in Temporal's own pages with its acts by name."""
    folder = os.environ.get("CASEWORK_PICTURES")
    pictures = Path(folder) if folder else None

    page = await chromium.new_page(
        locale="th-TH", timezone_id="Asia/Bangkok", viewport={"width": 1100, "height": 900}
    )
    await page.goto(demo.address("the public page"))
    await expect(page.get_by_role("heading", level=1)).to_have_text("Khon Kaen Sugar Mill")
    if pictures is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=pictures / "public-page.png", full_page=True)

    page = await chromium.new_page(
        locale="en-US", timezone_id="Asia/Bangkok", viewport={"width": 1240, "height": 1640}
    )
    await page.goto(demo.address("the case in Temporal"))
    await expect(page.get_by_text("verify-corrective-action").first).to_be_visible()
    await expect(page.get_by_text("Publish version 13 in the register").first).to_be_visible()
    if pictures is not None:
        await page.screenshot(path=pictures / "case-in-temporal.png")


async def test_a_reader_can_answer_an_invitation_in_the_outbox(demo: Demo, chromium: Browser):
    """From the letter by its link to the prefilled application, which is taken."""
    context = await chromium.new_context(locale="th-TH")
    page = await context.new_page()
    await page.goto(demo.address("an open invitation"))
    await page.get_by_role("link", name="invitation").click()
    async with context.expect_page() as opened:
        await page.frame_locator("iframe").locator("a[href*='/apply/']").first.click()
    application = await opened.value
    await expect(application.locator("#email")).to_have_value(re.compile(r"@[a-z-]+\.example$"))
    await application.locator("#send").click()
    await application.locator("#send").click()
    await expect(application.locator(".confirmation .code")).to_contain_text("eco-")
    await context.close()


def test_the_token_it_prints_opens_the_case(demo: Demo):
    (command,) = re.findall(r"^curl .*$", demo.told, re.MULTILINE)
    match shlex.split(command):
        case ["curl", "-s", "-H", header, url]:
            name, _, value = header.partition(": ")
            answer = httpx2.get(url, headers={name: value})
            assert answer.json()["stage"] == "certified"
        case words:
            pytest.fail(f"not the command that was expected: {words}")


def test_a_second_demo_says_which_port_to_change(demo: Demo, tmp_path: Path):
    port = demo.address("the API").split(":")[2].split("/")[0]
    second = demo_of(tmp_path / "state", tmp_path / "log", "--once", "--api-port", port)
    assert second.run() == 1
    told = read(tmp_path / "log")
    assert f"Port {port} is taken" in told
    assert "CASEWORK_DEMO_API_PORT" in told


def test_it_ends_on_ctrl_c_and_leaves_no_process(demo: Demo):
    children = _children(demo.process.pid)
    assert len(children) == 4, "Temporal, worker, API and the watchdog"
    demo.process.stop()
    assert demo.process.exit_code == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    assert "Traceback" not in demo.told


def test_a_second_start_goes_on_with_what_is_there(demo: Demo):
    """Nothing is filled in or opened again; another site is walked, and the first stays as it was."""
    demo.process.stop()
    log = demo.log.with_name("second.log")
    code = demo_of(demo.folder, log, "--once").run()
    told = read(log)
    assert code == 0, told
    assert "24 cases are there from an earlier start." in told
    assert "Khon Kaen Sugar Mill" not in told
    assert "in the register as entry 6" in told
    assert "finished: 153 of 153 rows, 131 opened, 9 joined, 13 skipped" in told
    assert "dry run" not in told


def _children(parent: int) -> list[int]:
    """Return the ids of the processes that this one started (from `/proc`: the tests run on Linux)."""
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # The name in parentheses may hold spaces; the state and the parent follow it.
            if int(status.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(status.parent.name))
    return found
