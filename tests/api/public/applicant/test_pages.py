"""Track an application: for everybody who has the number, without an account, a name or a reason."""

import re
from dataclasses import fields
from datetime import date, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from api.locale import LANGUAGES, translations
from api.public.applicant.status import LONGEST_INPUT, CaseStatus, case_number
from casework.contracts.enrollment import case_id_of
from casework.domain import acts as a
from casework.domain.calendar import Language, format_date, last_day
from casework.domain.line_breaks import keep_together
from casework.domain.stages import CLOSED, Stage
from casework.notices.addresses import Addresses
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.register import public_id_of
from tests.api.desk import SetClock
from tests.api.public.sample_stories import CANARIES, NUMBER, STAGES, pass_time, publish, told
from tests.sample_case import APPLICANT, ESTABLISHMENT, NOW, act_of
from tests.statements import counted
from tests.store.story import establishment, put

PATH = f"/en/cases/{NUMBER}"
UNKNOWN = "eco-aaaaaaaaaaaa"

HEADINGS = {
    Stage.INVITED: "Invited to apply",
    Stage.APPLICATION_REVIEW: "The application is being checked",
    Stage.RETURNED: "The application was returned to be completed",
    Stage.INSPECTION: "The site is being inspected",
    Stage.CORRECTIVE_ACTION: "Corrective action is under way",
    Stage.FEEDBACK: "The community is being heard",
    Stage.ANSWERING: "The community is being answered",
    Stage.REVIEW: "The case is being reviewed",
    Stage.DECISION: "The case is being decided",
    Stage.CERTIFIED: "Certified",
    Stage.REFUSED: "Closed: not certified",
    Stage.REJECTED: "Closed: application not accepted",
    Stage.WITHDRAWN: "Closed: application withdrawn",
    Stage.DECLINED: "Closed: invitation declined",
    Stage.LAPSED: "Closed: the time ran out",
    Stage.EXPIRED: "Closed: certification expired",
}

WAITS_FOR = {
    Stage.INVITED: "The invited establishment",
    Stage.APPLICATION_REVIEW: "The provincial industry office",
    Stage.RETURNED: "The applicant",
    Stage.INSPECTION: "The provincial industry office",
    Stage.CORRECTIVE_ACTION: "The applicant",
    Stage.FEEDBACK: "The community: everybody who wants to speak",
    Stage.ANSWERING: "The provincial industry office",
    Stage.REVIEW: "The reviewer",
    Stage.DECISION: "The decision maker",
}


def written(day: date, language: Language = "en") -> str:
    return f'<time datetime="{day}">{format_date(day, language)}</time>'


def steps_of(text: str) -> list[tuple[str, str]]:
    """Return what the list of steps marks and says."""
    (listed,) = re.findall(r'<ol class="timeline process">(.*?)</ol>', text, re.DOTALL)
    items = re.findall(r"<li([^>]*)>(.*?)</li>", listed, re.DOTALL)
    return [(mark.strip(), " ".join(re.sub(r"<[^>]+>", " ", said).split())) for mark, said in items]


# --- The page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_told_in_plain_words(
    client: TestClient,
    database: Database,
    catalog: ProgramCatalog,
    clock: SetClock,
    stage: Stage,
    language: Language,
):
    story = told(database, catalog, stage)
    gettext = translations(language).gettext
    answer = client.get(f"/{language}/cases/{NUMBER}")
    text = answer.text
    assert answer.status_code == 200
    assert f"<h2>{gettext(HEADINGS[stage])}</h2>" in text
    assert NUMBER in text
    assert keep_together(catalog.get("eco-network", "1").name.to(language)) in text
    assert written(NOW.date(), language) in text
    if stage in WAITS_FOR:
        assert story.case.running is not None
        assert f"<dd>{gettext(WAITS_FOR[stage])}</dd>" in text
        assert written(last_day(story.case.running.due_at), language) in text


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_tells_who_or_why(
    client: TestClient, database: Database, catalog: ProgramCatalog, stage: Stage
):
    story = told(database, catalog, stage)
    people = {line.actor.person for request in story.requests for line in request.events}
    hidden = {*CANARIES, *people, ESTABLISHMENT, "con-1", "chonburi", "ชลบุรี"} - {"system"}
    for language in LANGUAGES:
        text = client.get(f"/{language}/cases/{NUMBER}").text.lower()
        assert not [word for word in hidden if word in text]


def test_the_page_has_these_facts_and_no_others():
    """Whoever adds a field has to think about who may read it: everybody with the number."""
    assert {field.name for field in fields(CaseStatus)} == {
        "case_id",
        "program_name",
        "opened_on",
        "stage",
        "step",
        "period",
        "waits_for",
        "until",
        "is_late",
        "feedback_is_open",
        "register_id",
        "granted_on",
        "closed_on",
    }


@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage not in CLOSED])
def test_the_way_of_an_open_case_shows_what_is_done_and_what_is_to_come(
    client: TestClient, database: Database, catalog: ProgramCatalog, stage: Stage
):
    told(database, catalog, stage)
    steps = steps_of(client.get(PATH).text)
    at = [n for n, (mark, _) in enumerate(steps) if 'aria-current="step"' in mark]
    assert len(steps) == 6
    assert len(at) == 1
    assert steps[at[0]][1].endswith("Now at this step")
    assert all(said.endswith("Done") for _, said in steps[: at[0]])
    assert all(said.endswith("To come") for _, said in steps[at[0] + 1 :])


@pytest.mark.parametrize("stage", sorted(CLOSED))
def test_a_closed_case_says_how_and_not_how_far_it_came(
    client: TestClient, database: Database, catalog: ProgramCatalog, stage: Stage
):
    told(database, catalog, stage)
    text = client.get(PATH).text
    said = [said for _, said in steps_of(text)]
    assert said[0] == "Case opened 23 November 2026"
    assert said[-1].startswith(HEADINGS[stage])
    assert len(said) == (3 if stage is Stage.EXPIRED else 2)
    assert "Who has to act now" not in text


def test_the_inspector_holds_the_case_while_a_correction_is_verified(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    story = told(database, catalog, Stage.CORRECTIVE_ACTION)
    before = len(story.requests)
    applicant = establishment(APPLICANT, story.terms)
    story.act(act_of(a.SubmitCorrectiveAction, story.case), applicant)
    put(database, story, since=before)
    text = client.get(PATH).text
    assert "<h2>The corrective action is being verified</h2>" in text
    assert "<dd>The inspector</dd>" in text


def test_the_notice_is_linked_while_the_community_may_speak(
    client: TestClient, database: Database, catalog: ProgramCatalog, clock: SetClock
):
    told(database, catalog, Stage.FEEDBACK)
    link = f'href="{PATH}/feedback"'
    assert link in client.get(PATH).text
    clock.forward(days=60)
    text = client.get(PATH).text
    assert link not in text
    assert "<h2>The feedback period is over</h2>" in text
    assert "Nobody at the moment" in text


def test_the_register_is_linked_once_it_shows_the_certification(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    story = told(database, catalog, Stage.CERTIFIED)
    link = f'href="/en/register/{public_id_of("eco-network", ESTABLISHMENT)}"'
    text = client.get(PATH).text
    assert link not in text
    assert "by itself within a short time" in text
    publish(story)
    put(database, story, since=len(story.requests) - 1)
    published = client.get(PATH).text
    assert link in published
    assert all(said.endswith("Done") for _, said in steps_of(published))


def test_a_certification_ends_by_its_date_though_no_worker_runs(
    client: TestClient, database: Database, catalog: ProgramCatalog, clock: SetClock
):
    story = told(database, catalog, Stage.CERTIFIED)
    ends = story.case.valid_until
    assert ends is not None
    assert f"<dt>Valid until</dt><dd>{written(last_day(ends))}</dd>" in client.get(PATH).text
    clock.now = ends
    overdue = client.get(PATH).text
    assert f"<dt>Closed on</dt><dd>{written(last_day(ends))}</dd>" in overdue
    pass_time(story, ends + timedelta(days=3))
    put(database, story, since=1)
    assert client.get(PATH).text == overdue


def test_a_date_that_has_passed_is_said_to_have_passed(
    client: TestClient, database: Database, catalog: ProgramCatalog, clock: SetClock
):
    told(database, catalog, Stage.REVIEW)
    assert "This date has passed" not in client.get(PATH).text
    clock.forward(days=90)
    assert "This date has passed" in client.get(PATH).text


def test_periods_of_seconds_are_told_by_their_day(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    told(database, catalog, Stage.APPLICATION_REVIEW, version="sample")
    text = client.get(PATH).text
    assert f"<dt>Due by</dt><dd>{written(NOW.date())}" in text
    assert not re.search(r"<time[^>]*T", text)


def test_a_page_costs_one_statement_and_does_not_read_the_file(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    told(database, catalog, Stage.DECISION)
    with counted(database.engine) as sent:
        client.get(PATH)
    assert sent.statements == 1, sent
    assert "snapshot" not in sent.texts[0]
    assert "officer" not in sent.texts[0]


def test_letters_lead_to_the_page(client: TestClient, database: Database, catalog: ProgramCatalog):
    told(database, catalog, Stage.REVIEW)
    for language in LANGUAGES:
        address = Addresses("https://register.example").case(NUMBER, language)
        assert client.get(address.removeprefix("https://register.example")).status_code == 200


@pytest.mark.parametrize("path", [PATH, "/en/cases", f"/en/cases/{UNKNOWN}", "/th/cases?number=x"])
def test_no_page_is_kept_or_found_by_search_engines(
    client: TestClient, database: Database, catalog: ProgramCatalog, path: str
):
    told(database, catalog, Stage.REVIEW)
    answer = client.get(path)
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert '<meta name="robots" content="noindex">' in answer.text


@pytest.mark.parametrize("number", [UNKNOWN, "x" * 500, "%00", "a%2Fb", "eco-%27%3Cb%3E", "eco-"])
def test_an_unknown_case_is_not_found_and_can_be_corrected(client: TestClient, number: str):
    answer = client.get(f"/en/cases/{number}")
    assert answer.status_code == 404
    if "%2F" not in number:
        assert answer.text.count("There is no case with this number") == 2
    assert "<b>" not in answer.text


def test_a_database_that_is_away_is_said_in_words(
    client: TestClient, database: Database, monkeypatch: pytest.MonkeyPatch
):
    def away() -> object:
        raise OperationalError("SELECT", {}, Exception("gone"))

    monkeypatch.setattr(database, "reading", away)
    answer = client.get(PATH)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "<h1>" in answer.text


# --- The form -------------------------------------------------------------------------------------


def test_every_page_leads_to_the_form(client: TestClient):
    assert '<a href="/th/cases">ติดตามคำขอ</a>' in client.get("/th/feedback").text
    assert '<a href="/en/cases" aria-current="true">' in client.get("/en/cases").text


def test_the_form_leads_to_the_case(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    told(database, catalog, Stage.REVIEW)
    answer = client.get("/th/cases", params={"number": f" {NUMBER.upper()} "})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/th/cases/{NUMBER}"
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter the case number"),
        (" \t ", "Enter the case number"),
        ("Canary Mill", "Enter the case number as it is in our letters"),
        ("eco-short", "Enter the case number as it is in our letters"),
        ("e" * 2000, "Enter the case number as it is in our letters"),
        ("\0", "Enter the case number as it is in our letters"),
        (UNKNOWN, "There is no case with this number"),
    ],
)
def test_what_is_wrong_is_said_above_and_beside_the_field(
    client: TestClient, typed: str, message: str
):
    answer = client.get("/en/cases", params={"number": typed})
    assert answer.status_code == 422
    assert answer.text.count(message) == 2
    assert 'href="#number"' in answer.text
    assert "<title>Error: " in answer.text
    assert "\0" not in answer.text


def test_what_was_typed_is_kept_and_is_no_markup(client: TestClient):
    text = client.get("/en/cases", params={"number": '"><b>eco'}).text
    assert 'value="&#34;&gt;&lt;b&gt;eco"' in text


@pytest.mark.parametrize(
    "typed",
    [
        NUMBER,
        f"  {NUMBER.upper()}\n",
        "eco–k3v7 a2q5 m4tz",
        "ｅｃｏ－ｋ３ｖ７ａ２ｑ５ｍ４ｔｚ",
        f"https://register.example/th/cases/{NUMBER}",
        f"https://register.example/en/cases/{NUMBER}/feedback?x=1#top",
    ],
)
def test_a_number_is_understood_however_it_is_typed(typed: str):
    assert case_number(typed) == NUMBER


def test_every_number_that_is_given_out_is_one(catalog: ProgramCatalog):
    for program in catalog.programs():
        prefix = catalog.versions(program)[0].prefix
        for cycle in range(1, 50):
            number = case_id_of(prefix, program, ESTABLISHMENT, cycle)
            assert case_number(number) == number


@pytest.mark.parametrize("typed", ["", "eco", "eco-k3v7a2q5m4t", f"{NUMBER}{NUMBER}", "../" * 9])
def test_anything_else_is_none(typed: str):
    assert case_number(typed) is None
    assert case_number(NUMBER + " " * LONGEST_INPUT) is None
