"""The small parts of the demo: notebook, mail server, ports and what the reader sees."""

import smtplib
import socket
from email.message import EmailMessage
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from casework.demo.client import Answer, Unexpected, expect
from casework.demo.mail import MailServer
from casework.demo.notebook import Notebook
from casework.demo.processes import Ports, PortTaken
from casework.demo.telling import Teller
from casework.processes.servers import LOOPBACK, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS

# --- Notebook -------------------------------------------------------------------------------------


def test_a_notebook_remembers_over_a_start(tmp_path: Path):
    first = Notebook(tmp_path / "demo.json")
    first.opened("DEMO-40-068", "riv-aaaaaaaaaaaa", on_tour=True)
    first.opened("DEMO-21-030", "eco-bbbbbbbbbbbb")
    first.came_to_rest("DEMO-21-030")

    second = Notebook(tmp_path / "demo.json")
    assert second.case_of("DEMO-40-068") == "riv-aaaaaaaaaaaa"
    assert second.is_on_tour("DEMO-40-068")
    assert not second.is_done("DEMO-40-068")
    assert second.is_done("DEMO-21-030")
    assert second.case_of("DEMO-10-001") is None
    assert second.drive_of("attendees") is None
    second.prepared("attendees", "drv-aaaaaaaaaaaa")
    assert Notebook(tmp_path / "demo.json").drive_of("attendees") == "drv-aaaaaaaaaaaa"


def test_a_notebook_from_before_there_were_drives_is_read(tmp_path: Path):
    (tmp_path / "demo.json").write_text('{"cases": {"a": "eco-1"}, "done": [], "tours": []}')
    known = Notebook(tmp_path / "demo.json")
    assert (known.case_of("a"), known.drive_of("attendees")) == ("eco-1", None)


# --- Mail -----------------------------------------------------------------------------------------


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "casework@demo.example", "officer-40@demo.example"
    message["Subject"] = subject
    message.set_content("เรียน เจ้าหน้าที่")
    return message


def test_mail_is_kept_as_files_and_numbers_go_on(tmp_path: Path):
    for start in range(2):
        server = MailServer(tmp_path / "mail", free_port())
        server.start()
        try:
            assert server.count == start * 2
            with smtplib.SMTP(LOOPBACK, server.port, timeout=LONGEST_WAIT_SECONDS) as client:
                client.send_message(letter("รับคำขอแล้ว"))
                client.send_message(letter("Application accepted"))
            assert server.count == start * 2 + 2
        finally:
            server.stop()
    assert [letter.subject for letter in server.letters(after=2)] == [
        "รับคำขอแล้ว",
        "Application accepted",
    ]
    assert [file.name for file in sorted((tmp_path / "mail").iterdir())] == [
        "000001.eml",
        "000002.eml",
        "000003.eml",
        "000004.eml",
    ]


# --- Ports ----------------------------------------------------------------------------------------


def test_the_usual_ports_are_the_default():
    ports = Ports.of(api=None, temporal=None, ui=None, smtp=None, choose_free=False)
    assert ports == (8000, 7233, 8233, 1025)


def test_a_port_can_be_chosen_and_zero_is_a_free_one():
    ports = Ports.of(api=8100, temporal=0, ui=None, smtp=None, choose_free=True)
    assert ports.api == 8100
    assert len(set(ports)) == 4
    assert not {7233, 8233, 1025} & set(ports)


def test_a_taken_port_is_named_with_what_to_change():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        number = taken.getsockname()[1]
        ports = Ports.of(api=None, temporal=None, ui=number, smtp=None, choose_free=True)
        with pytest.raises(PortTaken, match=rf"Port {number} is taken.*CASEWORK_DEMO_UI_PORT"):
            ports.need_free()


# --- Telling --------------------------------------------------------------------------------------


def test_without_a_terminal_every_line_is_plain():
    out = StringIO()
    teller = Teller(Console(file=out, soft_wrap=True, highlight=False, emoji=False))
    teller.chapter("Filling the queues")
    with teller.counting("cases", 2) as tell:
        tell("returned eco-1")
        tell("review eco-2")
    body = {"stage": "returned", "version": 2}
    notice = {"notice": "application-returned", "recipient": "applicant"}
    teller.step(3, "The officer returns the application.")
    teller.exchange(Answer("POST", "/api/v1/cases/eco-1/acts/x", 200, body), "officer-40", [notice])
    teller.verdict("it is so", holds=False)
    assert out.getvalue().splitlines() == [
        "",
        "== Filling the queues",
        "  1/2  returned eco-1",
        "  2/2  review eco-2",
        " 3. The officer returns the application.",
        "    POST /api/v1/cases/eco-1/acts/x (officer-40) → 200, returned, version 2; "
        "written: application-returned to applicant",
        "FALSE it is so",
    ]


def test_a_refusal_is_told_with_its_code():
    out = StringIO()
    teller = Teller(Console(file=out, soft_wrap=True, highlight=False, emoji=False))
    body = {"code": "inspected-this-case", "detail": "The inspector neither reviews nor decides."}
    teller.exchange(Answer("POST", "/x", 403, body), "inspector-40")
    assert out.getvalue() == (
        "    POST /x (inspector-40) → 403, inspected-this-case: "
        "The inspector neither reviews nor decides.\n"
    )


def test_an_answer_that_was_not_expected_ends_the_story():
    answer = Answer("GET", "/api/v1/cases/x", 404, {"title": "Not found"})
    with pytest.raises(Unexpected, match="GET /api/v1/cases/x answered 404: Not found"):
        expect(answer, 200)
    assert expect(answer, 200, 404) is answer
