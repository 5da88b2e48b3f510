"""The command line: what each command prints, and how it ends."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from casework.domain.actors import ActorKind
from casework.identity.tokens import TokenInvalid, TokenVerifier
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def casework(tmp_path: Path) -> Run:
    """Run the command in a folder of its own, with no setting but those given."""

    def run(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "casework.cli.app", *arguments],
            env={"PATH": "", "COLUMNS": "200", "CASEWORK_STATE_FOLDER": str(tmp_path), **settings},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT_SECONDS,
            check=False,
        )

    return run


def test_help_names_every_command(casework: Run):
    done = casework("--help")
    assert done.returncode == 0
    commands = re.findall(r"^│ ([a-z][a-z-]*) ", done.stdout, re.MULTILINE)
    expected = [
        "demo",
        "doctor",
        "drive",
        "links",
        "migrate",
        "notices",
        "people",
        "person",
        "programs",
        "serve",
        "token",
    ]
    assert sorted(commands) == [*expected, "verify"]


def test_it_says_its_version(casework: Run):
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", casework("--version").stdout)


# --- token ----------------------------------------------------------------------------------------


def test_a_token_speaks_for_an_officer_of_a_province(casework: Run, tmp_path: Path):
    done = casework("token", "--role", "officer", "--province", "21")
    settings = Settings.model_construct(state_folder=tmp_path)
    principal = TokenVerifier.of(settings).verify(done.stdout.strip())
    assert principal.kinds == (ActorKind.OFFICER,)
    assert principal.provinces == {"21"}
    assert principal.person == "officer-21"
    assert principal.programs == "*"


def test_a_token_can_hold_several_roles_provinces_and_programs(casework: Run, tmp_path: Path):
    line = "token --role inspector --role reviewer --province 21 --province 40 --person p-7"
    done = casework(*line.split(), "--program", "eco-network")
    settings = Settings.model_construct(state_folder=tmp_path)
    principal = TokenVerifier.of(settings).verify(done.stdout.strip())
    assert set(principal.kinds) == {ActorKind.INSPECTOR, ActorKind.REVIEWER}
    assert (principal.person, principal.provinces) == ("p-7", {"21", "40"})
    assert principal.programs == {"eco-network"}


def test_a_token_can_be_for_all_provinces(casework: Run, tmp_path: Path):
    done = casework("token", "--role", "supervisor", "--province", "all")
    settings = Settings.model_construct(state_folder=tmp_path)
    assert TokenVerifier.of(settings).verify(done.stdout.strip()).provinces == "*"


def test_a_token_of_an_applicant_is_bound_to_an_establishment(casework: Run, tmp_path: Path):
    done = casework("token", "--role", "applicant", "--establishment", "est-k3v9a2q7m4tz")
    settings = Settings.model_construct(state_folder=tmp_path)
    principal = TokenVerifier.of(settings).verify(done.stdout.strip())
    assert principal.establishment == "est-k3v9a2q7m4tz"


def test_a_token_ends(casework: Run, tmp_path: Path):
    line = "token --role officer --province 21 --hours -1"
    done = casework(*line.split())
    settings = Settings.model_construct(state_folder=tmp_path)
    with pytest.raises(TokenInvalid):
        TokenVerifier.of(settings).verify(done.stdout.strip())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--role officer", "Say where"),
        ("--role officer --province 99", "No province has the code 99"),
        ("--role officer --province 21 --province all", "No province has the code all"),
        ("--role applicant", "for one establishment"),
        ("--role boss --province 21", "Choose from"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(casework: Run, line: str, says: str):
    done = casework("token", *line.split())
    assert done.returncode in {1, 2}
    assert done.stdout == ""
    assert says in done.stderr


# --- programs and people --------------------------------------------------------------------------


def test_programs_are_listed_with_their_versions(casework: Run):
    lines = casework("programs", "list").stdout.splitlines()
    versions = [line.split()[:2] for line in lines]
    assert ["eco-network", "1"] in versions
    assert ["river-governance", "sample"] in versions


def test_the_programs_that_ship_are_in_order(casework: Run):
    done = casework("programs", "check")
    assert (done.returncode, done.stdout) == (0, "In order: eco-network, river-governance.\n")


def test_people_come_from_a_file(casework: Run, tmp_path: Path):
    file = tmp_path / "staff.csv"
    file.write_text(
        "\ufeffperson,name,email,language,kinds,provinces,programs\r\n"
        "officer-21,สมศรี ตั้งใจ,somsri@office.example,th,officer reviewer,21 22,\r\n"
        "boss,Chief,chief@ministry.example,en,supervisor,*,*\r\n",
        encoding="utf-8",
    )
    assert casework("migrate").returncode == 0
    for _ in range(2):
        done = casework("people", "load", str(file))
        assert (done.returncode, done.stdout) == (0, "2 people are in the directory.\n")
    with sqlite3.connect(tmp_path / "casework.db") as database:
        rows = database.execute("SELECT person, provinces FROM people ORDER BY person").fetchall()
    assert rows == [("boss", '["*"]'), ("officer-21", '["21", "22"]')]


def test_a_file_of_people_with_mistakes_changes_nothing(casework: Run, tmp_path: Path):
    file = tmp_path / "staff.csv"
    file.write_text(
        "person,name,email,kinds,provinces\n"
        "a,A,a@b.example,officer,21\n"
        "a,A,not an address,officer,21\n"
        "b,B,b@b.example,king,21\n"
        "c,C,c@b.example,applicant,00\n",
        encoding="utf-8",
    )
    done = casework("people", "load", str(file))
    assert done.returncode == 1
    found = re.findall(r"line (\d), ([a-z.0-9]+)", done.stderr)
    assert found == [("3", "email"), ("4", "kinds"), ("5", "kinds"), ("5", "provinces")]


# --- doctor ---------------------------------------------------------------------------------------


def test_the_doctor_says_what_to_do_about_each_part(casework: Run):
    """Nothing runs here: the database has no schema, and nobody listens on a port of the others."""
    done = casework(
        "doctor",
        "--url",
        "http://127.0.0.1:9",
        CASEWORK_TEMPORAL_ADDRESS="127.0.0.1:9",
        CASEWORK_SMTP_URL="smtp://127.0.0.1:9",
    )
    assert done.returncode == 1
    found = re.findall(r"^(ok|FAIL) +(\w+)", done.stdout, re.MULTILINE)
    states = {part: state for state, part in found}
    assert states == {
        "settings": "ok",
        "programs": "ok",
        "database": "FAIL",
        "keys": "ok",
        "temporal": "FAIL",
        "cases": "FAIL",
        "notices": "FAIL",
        "drives": "FAIL",
        "mail": "FAIL",
        "api": "FAIL",
    }
    for remedy in ("casework migrate", "CASEWORK_TEMPORAL_ADDRESS", "CASEWORK_SMTP_URL", "serve"):
        assert remedy in done.stdout


def test_the_doctor_looks_only_where_it_is_asked_to(casework: Run):
    assert casework("migrate").returncode == 0
    done = casework("doctor", "database", "mail")
    assert done.returncode == 0
    assert re.findall(r"^ok +(\w+)", done.stdout, re.MULTILINE) == ["database", "mail"]
    assert casework("doctor", "--quiet", "database").stdout == ""


def test_the_doctor_is_not_content_with_any_server(casework: Run):
    """Another server answers 200 to everything, with JSON as well."""

    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"status": "ok"}')

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        done = casework("doctor", "api", "--url", f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
    assert done.returncode == 1
    assert "another server than Casework's answers" in done.stdout


def test_the_doctor_asks_the_port_that_letters_go_to(casework: Run):
    """Submission under STARTTLS is at 587 unless the URL says otherwise; no server is there."""
    done = casework("doctor", "mail", CASEWORK_SMTP_URL="smtp+starttls://127.0.0.1")
    assert "127.0.0.1:587: " in done.stdout
    assert "Traceback" not in done.stderr


def test_the_doctor_reads_the_key_set(casework: Run, tmp_path: Path):
    (tmp_path / "keys.json").write_text('{"keys": []}')
    done = casework("doctor", "keys", CASEWORK_TOKEN_KEYS="keys.json")
    assert done.returncode == 1
    assert (
        "CASEWORK_TOKEN_KEYS (environment): The key set holds no key that verifies a signature."
        in done.stdout
    )


# --- settings -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "migrate",
        "serve",
        "doctor",
        "verify",
        "token --role officer --province 21",
        "notices stuck",
        "drive status drv-1",
    ],
)
def test_a_wrong_setting_ends_every_command_with_a_line(casework: Run, line: str):
    done = casework(*line.split(), CASEWORK_MAIL_PACE="fast", CASEWORK_SMPT_URL="smtp://relay")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "CASEWORK_MAIL_PACE (environment): 'fast' is no pace" in said
    assert "did you mean CASEWORK_SMTP_URL?" in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "module", [["worker.py"], ["-m", "uvicorn", "--factory", "api.app:create_app"]]
)
def test_a_wrong_setting_ends_worker_and_server_with_a_line(tmp_path: Path, module: list[str]):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *([str(root / module[0])] if len(module) == 1 else module)],
        env={"PATH": "", "PYTHONPATH": str(root), "CASEWORK_MAIL_PACE": "fast"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "CASEWORK_MAIL_PACE (environment): 'fast' is no pace, such as 60/minute"
    )


def test_a_worker_without_temporal_ends_with_a_line(tmp_path: Path):
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(root / "worker.py")],
        env={"PATH": "", "CASEWORK_TEMPORAL_ADDRESS": "127.0.0.1:9"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LONGEST_WAIT_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("CASEWORK_TEMPORAL_ADDRESS: 127.0.0.1:9: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("line", ["migrate", "verify", "notices stuck"])
def test_a_database_that_is_away_ends_a_command_with_a_line(casework: Run, line: str):
    done = casework(
        *line.split(),
        CASEWORK_DATABASE_URL="postgresql+psycopg://casework:secret@127.0.0.1:9/casework",
    )
    assert done.returncode == 1
    assert done.stderr.startswith("CASEWORK_DATABASE_URL: postgresql+psycopg://casework:***@")
    assert len(done.stderr.splitlines()) == 1
    assert "secret" not in done.stderr


# --- verify and notices ---------------------------------------------------------------------------


def test_an_empty_database_is_in_order(casework: Run):
    casework("migrate")
    done = casework("verify")
    assert (done.returncode, done.stdout) == (0, "0 cases, 0 in order, 0 not.\n")


def test_a_case_that_does_not_exist_is_not_in_order(casework: Run):
    casework("migrate")
    done = casework("verify", "eco-k3v9a2q7m4tz")
    assert done.returncode == 1
    assert "there is no such case" in done.stdout


def test_no_notice_is_stuck_in_an_empty_database(casework: Run):
    casework("migrate")
    done = casework("notices", "stuck")
    assert (done.returncode, done.stdout) == (0, "0 notices failed or may have left.\n")


def test_a_notice_that_does_not_exist_cannot_be_sent_again(casework: Run):
    casework("migrate")
    done = casework("notices", "send-again", "eco-k3v9a2q7m4tz/decision-granted/9/applicant")
    assert done.returncode == 1
    assert "no such notice" in done.stderr


# --- Shut out, and other keys ---------------------------------------------------------------------


def test_a_person_is_shut_out_and_let_in_again(casework: Run):
    assert casework("migrate").returncode == 0
    done = casework(
        "token", "revoke", "--person", "officer-21", "--reason", "left", "--by", "security"
    )
    assert (done.returncode, done.stdout) == (0, "officer-21 is shut out.\n")
    listed = casework("token", "revoked").stdout
    assert re.fullmatch(r"officer-21  since \d{4}-\d\d-\d\d \d\d:\d\d  security: left\n", listed)
    assert casework("token", "restore", "officer-21", "--by", "security").returncode == 0
    assert "until" in casework("token", "revoked").stdout
    again = casework("token", "restore", "officer-21", "--by", "security")
    assert (again.returncode, again.stderr) == (1, "officer-21 is not shut out.\n")


@pytest.mark.parametrize("words", [(), ("--person", "a", "--token-id", "b")])
def test_either_a_person_or_a_token_is_shut_out(casework: Run, words: tuple[str, ...]):
    done = casework("token", "revoke", "--reason", "left", *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--person or --token-id" in done.stderr


def test_a_token_lives_no_longer_than_the_settings_say(casework: Run):
    done = casework("token", "--role", "officer", "--province", "21", "--hours", "25")
    assert (done.returncode, done.stdout) == (1, "")
    assert "at most 24 hours" in done.stderr


def test_another_key_signs_links(casework: Run):
    assert "under 2 keys" in casework("links", "rotate").stdout
    assert "under 3 keys" in casework("links", "rotate").stdout
    assert "under 1 keys" in casework("links", "rotate", "--forget").stdout
