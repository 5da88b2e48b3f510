"""The public register as a reader and as a program see it."""

import csv
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from api.public.register.data_files import COLUMNS
from casework.domain.register import RegisterStatus
from casework.programs.catalog import ProgramCatalog
from casework.store.database import Database
from casework.store.register import public_id_of
from casework.store.tables import Establishment
from tests.api.desk import SetClock
from tests.api.public.sample_register import entry, publish, sites
from tests.sample_case import NOW

THAI_NAME = "โรงงานน้ำตาลตัวอย่าง"


def thai_site(name: str = THAI_NAME, id_: str = "est-900000000001") -> Establishment:
    site = sites()[0]
    return Establishment(
        **{**site.model_dump(), "id": id_, "registration_no": id_, "name_th": name, "name_en": None}
    )


def show(database: Database, catalog: ProgramCatalog, site: Establishment, **more: object) -> str:
    """Publish an entry for a site and return its public id."""
    with database.writing() as session:
        if session.get(Establishment, site.id) is None:
            session.add(Establishment(**site.model_dump()))
    publish(database, entry(site, catalog, **more))  # type: ignore[arg-type]  # keyword arguments of one function
    return public_id_of("eco-network", site.id)


# --- Ways in --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        (None, "th"),
        ("th", "th"),
        ("th-TH,th;q=0.9,en;q=0.8", "th"),
        ("en-US,en;q=0.9", "en"),
        ("en;q=0.5,th;q=0.9", "th"),
        ("de,fr;q=0.5", "th"),
        ("en;q=no,;;;,", "th"),
    ],
)
def test_the_front_leads_to_the_register_in_the_language_of_the_reader(
    client: TestClient, wish: str | None, language: str
):
    answer = client.get("/", headers={"Accept-Language": wish or ""})
    assert (answer.status_code, answer.headers["location"]) == (302, f"/{language}/register")
    assert answer.headers["vary"] == "Accept-Language"


@pytest.mark.parametrize("path", ["/en", "/en/"])
def test_a_language_alone_leads_to_the_register(client: TestClient, path: str):
    assert client.get(path).headers["location"] == "/en/register"


def test_a_permanent_address_leads_to_the_record(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    public_id = show(database, catalog, thai_site())
    answer = client.get(f"/r/{public_id.upper()}", headers={"Accept-Language": "en"})
    assert answer.headers["location"] == f"/en/register/{public_id}"
    assert client.get(answer.headers["location"]).status_code == 200


@pytest.mark.parametrize(
    "path", ["/r/aaaaaaaaaaaa", "/r/a/b", "/th/register/aaaaaaaaaaaa", "/en/nowhere/at/all"]
)
def test_an_address_that_leads_nowhere_says_so_in_both_languages(client: TestClient, path: str):
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "ไม่พบหน้าที่ต้องการ" in answer.text
    assert "There is no such page" in answer.text


# --- The list -------------------------------------------------------------------------------------


def test_an_empty_register_says_what_will_be_there(client: TestClient):
    assert "The register is empty" in client.get("/en/register").text


@pytest.mark.parametrize("language", ["th", "en"])
def test_the_list_shows_twenty_sites_a_page(client: TestClient, filled: Database, language: str):
    first = client.get(f"/{language}/register")
    assert first.text.count("<h2><a href=") == 20
    assert 'rel="next"' in first.text
    last = client.get(f"/{language}/register?page=4")
    assert last.text.count("<h2><a href=") == 10
    assert 'rel="next"' not in last.text


@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "9" * 40, "²"])
def test_a_page_that_does_not_exist_is_the_nearest_one(
    client: TestClient, filled: Database, page: str
):
    assert client.get("/th/register", params={"page": page}).status_code == 200


def names_on(client: TestClient, **query: str) -> list[str]:
    records = client.get("/register.json", params=query).json()["records"]
    return [record["name_th"] or record["name_en"] for record in records]


@pytest.mark.parametrize("sought", ["mill", "MILL", " Sugar   mill ", "ｍｉｌｌ"])
def test_names_are_found_by_their_parts_however_they_are_typed(
    client: TestClient, filled: Database, sought: str
):
    found = names_on(client, q=sought)
    assert found
    assert all("mill" in name.lower() for name in found)


@pytest.mark.parametrize("sought", ["น้ำตาล", "น\u0e49\u0e4d\u0e32ตาล", "ตัวอย่าง โรงงาน"])
def test_thai_names_are_found_inside_words(
    client: TestClient, database: Database, catalog: ProgramCatalog, sought: str
):
    show(database, catalog, thai_site())
    show(database, catalog, sites()[3])
    assert names_on(client, q=sought) == [THAI_NAME]


def test_a_record_is_found_by_its_register_number(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    public_id = show(database, catalog, thai_site())
    show(database, catalog, sites()[3])
    assert names_on(client, q=public_id) == [THAI_NAME]


def test_filters_hold_together(client: TestClient, filled: Database):
    found = client.get(
        "/register.json", params={"province": "25", "program": "eco-network", "status": "active"}
    ).json()["records"]
    assert found
    for record in found:
        assert record["province_en"] == "Prachin Buri"
        assert record["program"] == "eco-network"
        assert record["status"] == "active"


@pytest.mark.parametrize(
    "query", [{"province": "99"}, {"province": "'"}, {"status": "nice"}, {"q": ""}]
)
def test_a_filter_that_makes_no_sense_is_left_out(
    client: TestClient, filled: Database, query: dict[str, str]
):
    assert len(names_on(client, **query)) == 70


def test_a_search_without_a_result_says_what_to_do(client: TestClient, filled: Database):
    answer = client.get("/en/register", params={"q": "no such mill"})
    assert "Nothing found" in answer.text
    assert 'value="no such mill"' in answer.text


def test_what_a_reader_typed_is_text_and_never_markup(client: TestClient, filled: Database):
    answer = client.get("/th/register", params={"q": '"><script>alert(1)</script>'})
    assert "<script" not in answer.text


def test_names_stand_in_the_order_of_a_thai_dictionary(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    """A vowel before its consonant is read after it."""
    for n, name in enumerate(["เชียงใหม่", "ดอนเมือง", "ชัยนาท", "กำแพง", "แก่งคอย"]):
        show(database, catalog, thai_site(name, f"est-90000000000{n}"))
    assert names_on(client) == ["กำแพง", "แก่งคอย", "ชัยนาท", "เชียงใหม่", "ดอนเมือง"]


# --- One record -----------------------------------------------------------------------------------


def test_a_record_shows_the_certification_in_words(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    public_id = show(database, catalog, thai_site(), granted_on=date(2026, 11, 23))
    thai = client.get(f"/th/register/{public_id}").text
    english = client.get(f"/en/register/{public_id}").text
    assert '<time datetime="2029-11-23">23 พฤศจิกายน 2572</time>' in thai
    assert '<time datetime="2029-11-23">23 November 2029</time>' in english
    assert "มีผลอยู่" in thai
    assert "กรุงเทพมหานคร" in thai
    assert "Bangkok" in english
    assert f"https://register.example/r/{public_id}" in thai
    # A name in another language than the page is marked as such, for those who listen to it.
    assert f'<span lang="th">{THAI_NAME}</span>' in english


def test_a_record_shows_its_history_the_newest_first(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    site = thai_site()
    show(database, catalog, site, effective_at=NOW - timedelta(days=30))
    expired = {"version": 11, "status": RegisterStatus.EXPIRED, "years": 0}
    public_id = show(database, catalog, site, **expired)
    text = client.get(f"/en/register/{public_id}").text
    assert text.index("Entry 2 of the register") < text.index("Entry 1 of the register")
    assert "may not call itself certified" in text


def test_a_site_of_both_programs_has_two_addresses(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    site = thai_site()
    show(database, catalog, site)
    publish(database, entry(site, catalog, "river-governance"))
    assert len(client.get("/register.json").json()["records"]) == 2


# --- Data files -----------------------------------------------------------------------------------


def test_both_data_files_say_the_same(client: TestClient, filled: Database):
    rows = list(csv.DictReader(io.StringIO(client.get("/register.csv").text)))
    records = client.get("/register.json").json()["records"]
    assert len(rows) == len(records) == 70
    assert [list(row) for row in rows] == [list(record) for record in records]
    for row, record in zip(rows, records, strict=True):
        assert row == {k: "" if v is None else str(v) for k, v in record.items()}


def test_the_csv_begins_with_a_mark_for_those_who_ask(client: TestClient, filled: Database):
    plain = client.get("/register.csv").content
    marked = client.get("/register.csv?bom=1").content
    assert marked == b"\xef\xbb\xbf" + plain


def test_the_csv_is_a_download_that_others_may_read(client: TestClient, filled: Database):
    headers = client.get("/register.csv").headers
    assert headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert 'filename="register.csv"' in headers["content-disposition"]
    assert headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["=1+1", "+66", "-2", "@sum", "\t=1", "＝1"])
def test_a_name_that_looks_like_a_formula_is_made_text(
    client: TestClient, database: Database, catalog: ProgramCatalog, name: str
):
    show(database, catalog, thai_site(name))
    (row,) = csv.DictReader(io.StringIO(client.get("/register.csv").text, newline=""))
    assert row["name_th"] == f"'{name}"
    assert client.get("/register.json").json()["records"][0]["name_th"] == name


def test_names_with_commas_quotes_and_lines_survive_the_csv(
    client: TestClient, database: Database, catalog: ProgramCatalog
):
    name = 'A "B", C\nD'
    show(database, catalog, thai_site(name))
    (row,) = csv.DictReader(io.StringIO(client.get("/register.csv").text, newline=""))
    assert row["name_th"] == name


def test_data_files_follow_the_search(client: TestClient, filled: Database):
    page = client.get("/en/register?q=mill&page=1").text
    assert "/register.csv?q=mill" in page
    assert "mill" in client.get("/register.csv?q=mill").text.lower()


def test_nothing_internal_is_in_the_data(client: TestClient, filled: Database):
    text = client.get("/register.json").text + client.get("/register.csv").text
    for inside in ("est-0", "eco-0", "1 Moo 1", "registration"):
        assert inside not in text
    json.loads(client.get("/register.json").text)


# --- Freshness ------------------------------------------------------------------------------------


def test_a_suspension_is_seen_within_seconds_by_whoever_keeps_a_copy(
    client: TestClient, filled: Database
):
    assert client.get("/th/register").headers["cache-control"] == "public, max-age=10"


@pytest.mark.parametrize("path", ["/th/register", "/register.csv", "/register.json?q=mill"])
def test_who_has_the_page_already_gets_304(client: TestClient, filled: Database, path: str):
    first = client.get(path)
    etag = first.headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = client.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_only_the_headers_can_be_asked_for(client: TestClient, filled: Database):
    full = client.get("/th/register")
    head = client.head("/th/register")
    assert head.status_code == 200
    assert head.headers["etag"] == full.headers["etag"]


def test_a_new_entry_is_on_the_page_a_second_later(
    client: TestClient, database: Database, catalog: ProgramCatalog, clock: SetClock
):
    assert names_on(client) == []
    show(database, catalog, thai_site())
    clock.forward(seconds=1)
    assert names_on(client) == [THAI_NAME]


def test_a_certification_expires_by_itself_at_midnight_in_bangkok(
    client: TestClient, database: Database, catalog: ProgramCatalog, clock: SetClock
):
    """Even while nothing runs that could publish it."""
    public_id = show(database, catalog, thai_site(), granted_on=date(2026, 11, 23), years=0)
    clock.now = NOW.replace(hour=16, minute=59, second=59, microsecond=999_999)
    assert "มีผลอยู่" in client.get(f"/th/register/{public_id}").text
    clock.forward(microseconds=1)
    assert "หมดอายุ" in client.get(f"/th/register/{public_id}").text


def test_every_column_is_documented():
    page = Path(__file__).parents[4] / "docs" / "register.md"
    table = page.read_text(encoding="utf-8").split("| column |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert re.findall(r"`(\w+)`", "".join(first_cells)) == list(COLUMNS)
