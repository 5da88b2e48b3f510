"""Every error is a problem: a stable code, the place that is wrong, and a link that leads somewhere."""

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.http.error_catalog import ERRORS, status_of
from api.http.errors import MEDIA_TYPE, Problem, pointer_to
from casework.domain.refusals import NOT_YOURS, RefusalCode, Refused
from casework.domain.stages import Stage
from casework.settings import Settings
from tests.api.desk import Desk, SetClock, pointers, problem
from tests.sample_case import APPLICANT, OFFICER, TERMS

DOCS = Path(__file__).parents[3] / "docs" / "errors.md"
CASE = f"/api/v1/cases/{TERMS.case_id}"


def test_an_address_that_is_not_there_is_a_problem(desk: Desk) -> None:
    """A path of no route gets 404 with the same body as a case one may not see."""
    body = problem(desk.get("/api/v1/nothing"), 404, "not-found")
    assert body["instance"] == "/api/v1/nothing"
    assert body["type"] == "https://cases.example/errors/not-found"


BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": "en"}


@pytest.mark.parametrize("path", ["/nowhere", "/errors/no-such-code", "/th/register/x/y"])
def test_a_browser_gets_a_page_in_both_languages_where_a_program_gets_a_problem(
    desk: Desk, path: str
) -> None:
    page = desk.client.get(path, headers=BROWSER)
    assert page.status_code == 404
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert '<header class="masthead">' in page.text
    assert "There is no such page" in page.text
    assert "ไม่พบหน้าที่ต้องการ" in page.text


def test_a_page_for_an_error_keeps_the_headers_of_the_problem(desk: Desk) -> None:
    page = desk.client.delete("/th/register", headers=BROWSER)
    assert (page.status_code, page.headers["allow"]) == (405, "GET, HEAD")
    assert "Something went wrong" in page.text


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/readyz"])
def test_addresses_for_programs_answer_a_browser_with_the_problem_itself(
    desk: Desk, path: str
) -> None:
    assert desk.client.get(path, headers=BROWSER).headers["content-type"] == MEDIA_TYPE


def test_a_method_that_is_not_there_names_those_that_are(desk: Desk) -> None:
    """405 lists the methods of every route at the address, not of the first one only."""
    answer = desk.client.put(f"{CASE}/representations")
    problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_each_wrong_field_is_pointed_at(desk: Desk) -> None:
    """A body that is wrong in three places gets three JSON pointers."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    wrong = {"items": [{"item": "", "reason": "x"}, {"reason": 7}], "extra": 1}
    body = problem(desk.act("return-application", wrong, OFFICER), 422, "request-malformed")
    places = {"/items/0/item", "/items/1/item", "/items/1/reason", "/extra"}
    assert places <= set(pointers(body))


def test_a_pointer_escapes_what_a_name_may_hold() -> None:
    """A tilde and a slash are written as RFC 6901 wants."""
    assert pointer_to("a/b", 0, "~c") == "/a~1b/0/~0c"


def test_a_wrong_parameter_is_named(desk: Desk) -> None:
    """A query parameter has no place in the body, so its name stands there."""
    answer = desk.get("/api/v1/cases?limit=201&stage=nowhere", OFFICER)
    body = problem(answer, 422, "request-malformed")
    assert sorted(error["parameter"] for error in body["errors"]) == ["limit", "stage"]


def test_a_body_that_is_no_json_says_where_it_ends(desk: Desk) -> None:
    """The character at which reading stopped is part of the answer."""
    answer = desk.act(
        "add-note",
        None,
        OFFICER,
        content='{"note": ',
        headers={"Content-Type": "application/json"},
    )
    body = problem(answer, 422, "request-malformed")
    assert "character 9" in body["errors"][0]["detail"]


@pytest.mark.parametrize(
    "content",
    [b"[" * 100_000, b'{"note": ' + b"9" * 5000 + b"}", b'{"note": "\xa1\xa2"}'],
    ids=["too deep", "too long a number", "no UTF-8"],
)
def test_a_body_that_cannot_be_read_is_a_bad_request(desk: Desk, content: bytes) -> None:
    """What the parser gives up on is the client's fault, and no error of the server."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    headers = {"Content-Type": "application/json"}
    answer = desk.act("add-note", None, OFFICER, content=content, headers=headers)
    problem(answer, 400, "body-unreadable")


@pytest.mark.parametrize("text", ["\u0000", "a\\\u0000b"])
def test_a_text_with_nul_is_refused_before_a_case_could_choke_on_it(desk: Desk, text: str) -> None:
    """PostgreSQL keeps no NUL, and a case that cannot be recorded would wait for ever."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    problem(desk.act("add-note", {"note": text}, OFFICER), 422, "request-malformed")


def test_the_letters_of_an_escape_are_no_nul(desk: Desk) -> None:
    """A backslash followed by u0000 is six ordinary letters."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    answer = desk.act("add-note", {"note": "\\u0000"}, OFFICER)
    problem(answer, 503, "engine-unavailable")


def test_half_a_character_is_refused(desk: Desk) -> None:
    """A lone surrogate is in no Unicode text."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    answer = desk.act(
        "add-note",
        None,
        OFFICER,
        content=rb'{"note": "\ud800"}',
        headers={"Content-Type": "application/json"},
    )
    assert pointers(problem(answer, 422, "request-malformed")) == ["/note"]


def test_a_body_of_another_type_is_unsupported(desk: Desk) -> None:
    """A form is no JSON, whatever is in it."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    for kind in ("text/plain", "application/x-www-form-urlencoded", ""):
        answer = desk.act(
            "add-note", None, OFFICER, content='{"note":"x"}', headers={"Content-Type": kind}
        )
        problem(answer, 415, "media-type-unsupported")


def test_a_body_that_is_too_long_is_refused_by_what_it_says_and_by_what_it_is(desk: Desk) -> None:
    """Neither a declared length nor a stream without one gets past the bound."""
    long = b'{"note": "' + b"x" * 300_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    problem(
        desk.act("add-note", None, OFFICER, content=long, headers=headers), 413, "body-too-large"
    )

    def pieces():
        for start in range(0, len(long), 50_000):
            yield long[start : start + 50_000]

    answer = desk.act("add-note", None, OFFICER, content=pieces(), headers=headers)
    problem(answer, 413, "body-too-large")


@pytest.mark.parametrize("length", ["-1", "x", "9" * 5000])
def test_a_length_that_is_no_length_is_refused(desk: Desk, length: str) -> None:
    """A made-up Content-Length never reaches a route."""
    headers = {"Content-Length": length, "Content-Type": "application/json"}
    answer = desk.act("add-note", None, OFFICER, content=b"{}", headers=headers)
    problem(answer, 413, "body-too-large")


def test_what_nobody_foresaw_is_a_problem_without_a_word_of_the_cause(desk: Desk) -> None:
    """The cause goes to the log under the trace id; the answer keeps its headers."""

    @desk.app.get("/breaks")
    def breaks() -> None:
        raise ZeroDivisionError("secret of the inside")

    answer = desk.get("/breaks")
    body = problem(answer, 500, "internal-error")
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r"[0-9a-f]{32}", body["trace_id"])
    page = desk.client.get("/breaks", headers=BROWSER)
    assert page.status_code == 500
    assert "Something went wrong" in page.text
    assert "secret" not in page.text


def test_the_trace_id_of_the_caller_is_kept(desk: Desk) -> None:
    """A trace that began elsewhere goes on here (W3C Trace Context)."""
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = desk.get("/api/v1/nothing", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert problem(answer, 404, "not-found")["trace_id"] == trace
    again = desk.get("/api/v1/nothing", headers={"traceparent": "00-nonsense"})
    assert problem(again, 404, "not-found")["trace_id"] != trace


def test_without_a_database_reading_is_unavailable_for_a_while(tmp_path: Path) -> None:
    """503 with Retry-After, and no word of where the database is."""
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]
        state_folder=tmp_path / "state",
        database_url=f"sqlite:///{tmp_path / 'no-such-folder' / 'casework.db'}",
        temporal_address="127.0.0.1:1",
    )
    clock = SetClock()
    app = create_app(settings, now=clock)
    with TestClient(app, raise_server_exceptions=False) as client:
        desk = Desk(client, settings, clock)
        for answer in (
            desk.get("/api/v1/cases", OFFICER),
            desk.get(CASE, OFFICER),
            desk.act("add-note", {"note": "x"}, OFFICER),
            desk.post(f"{CASE}/representations", {"stance": "neutral", "text": "x"}),
        ):
            problem(answer, 503, "database-unavailable")
            assert int(answer.headers["retry-after"]) > 0
            assert "no-such-folder" not in answer.text
        body = problem(desk.get("/readyz"), 503, "not-ready")
        assert body["parts"]["database"] == "no answer"
        assert desk.get("/healthz").status_code == 200


# --- The catalog ----------------------------------------------------------------------------------


def test_every_refusal_of_the_domain_has_a_status_and_words() -> None:
    """A code without a page would be a link into nothing."""
    assert {code.value for code in RefusalCode} <= set(ERRORS)
    for code in RefusalCode:
        assert ERRORS[code].status == status_of(code)


def test_the_statuses_of_refusals_are_the_agreed_ones() -> None:
    """Not yours is 403, a stale view 412, an unknown act 404, a defect 500, and any other rule 409."""
    others = {
        RefusalCode.VERSION_CONFLICT: 412,
        RefusalCode.ACT_UNKNOWN: 404,
        RefusalCode.ENGINE_FAULT: 500,
    }
    for code in RefusalCode:
        assert status_of(code) == (403 if code in NOT_YOURS else others.get(code, 409)), code


def test_a_refusal_points_at_its_cause(desk: Desk) -> None:
    """The pointer of the domain is the pointer of the answer."""

    @desk.app.get("/refuses")
    def refuses() -> None:
        raise Refused(RefusalCode.GRADE_NOT_ALLOWED, "C-1 always applies.", "/findings/0/grade")

    body = problem(desk.get("/refuses"), 409, "grade-not-allowed")
    assert pointers(body) == ["/findings/0/grade"]
    assert body["detail"] == "C-1 always applies."


def test_every_code_leads_to_its_explanation(desk: Desk) -> None:
    """The `type` of a problem is an address that answers, to programs and to people."""
    for code, kind in ERRORS.items():
        answer = desk.get(f"/errors/{code}")
        assert answer.status_code == 200
        assert answer.json() == kind._asdict()
        page = desk.get(f"/errors/{code}", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")
        assert f"<code>{code}</code>" in page.text
        assert '<header class="masthead">' in page.text
    problem(desk.get("/errors/no-such-code"), 404, "not-found")


def test_the_page_of_errors_says_what_the_catalog_says() -> None:
    """docs/errors.md has one section for each code, in order, with its status and its words."""
    sections = re.split(r"^### ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    written = {section.splitlines()[0].strip(): section for section in sections}
    assert list(written) == list(ERRORS)
    for code, kind in ERRORS.items():
        text = " ".join(written[code].split())
        for part in (f"**{kind.status} {kind.title}.**", kind.meaning, kind.remedy):
            assert " ".join(part.split()) in text, (code, part)


def test_titles_never_change_with_the_occurrence() -> None:
    """RFC 9457: the title belongs to the type, the detail to the occurrence."""
    raised = Problem("rate-limited", "At most 10 per minute.")
    assert raised.status_code == ERRORS["rate-limited"].status
    assert ERRORS["rate-limited"].title != raised.detail


def test_no_answer_quotes_what_was_sent(desk: Desk) -> None:
    """A wrong value may be a secret that was pasted into the wrong field."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    secret = "hunter2" * 200
    answer = desk.act("decide", {"outcome": secret, "reasons": "x"}, OFFICER)
    problem(answer, 422, "request-malformed")
    assert "hunter2" not in answer.text


def test_a_long_list_of_mistakes_is_cut(desk: Desk) -> None:
    """Fifty places are enough to begin with."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    body = {"numbers": ["x"] * 200, "disposition": "noted", "answer": "x"}
    found = problem(desk.act("dispose-representations", body, OFFICER), 422, "request-malformed")
    assert len(found["errors"]) == 50


def test_an_act_that_would_swell_the_history_is_too_large(desk: Desk) -> None:
    """It is measured as it travels: spaces and escapes around it do not count."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    fits = {"note": "ก" * 4000}
    padded = json.dumps(fits) + " " * 60_000
    headers = {"Content-Type": "application/json"}
    answer = desk.act("add-note", None, OFFICER, content=padded, headers=headers)
    problem(answer, 503, "engine-unavailable")
    answers = [{"item": f"i{n}", "answer": "ก" * 600} for n in range(30)]
    large = desk.act("resubmit-application", {"answers": answers}, APPLICANT)
    problem(large, 413, "act-too-large")
