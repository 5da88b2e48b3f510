"""The page behind an invitation's link: apply, decline, and links that do not work (any more)."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from starlette.testclient import TestClient

from api.engine.calls import EngineCalls, TemporalUnavailable
from api.engine.cases import CaseGateway, Taken
from api.http.metrics import Metrics
from api.public import public_pages
from casework.cases.on_record import ActsOnRecord
from casework.cases.reading import CaseReader
from casework.cases.recording import CaseRecorder
from casework.contracts.enrollment import ActReceipt, ActRequest
from casework.domain import acts as a
from casework.domain import events as e
from casework.domain.actors import SYSTEM, Actor
from casework.domain.decide import judge
from casework.domain.policy import Principal
from casework.domain.rules import PeriodName
from casework.domain.stages import Stage
from casework.identity.invitation_links import Invitation, InvitationLinks
from casework.notices.composing import NoticeComposer
from casework.programs.catalog import ProgramCatalog
from casework.settings import Settings
from casework.store.cases.casebook import find_case, read_journal, read_line
from casework.store.communities import communities_of_case
from casework.store.database import Database
from casework.store.tables import CaseRow, Contact
from tests.api.desk import SetClock
from tests.api.public.sample_register import tell
from tests.sample_case import CALENDAR, ESTABLISHMENT, NOW
from tests.store.rows import enrollment
from tests.store.story import Story
from tests.workflows.office import seed_establishment

CASE = "eco-invitedaaaaa"
SAID = {"name": "Somchai", "email": "somchai@sample.example", "phone": "", "text": "เรายินดีเข้าร่วม"}


OFFICE = {
    "community_2_kind": "local-government",
    "community_2_name": "อบต.บ้านน้ำใส",
    "community_2_email": "office@namsai.example",
}
VILLAGE = {"community_3_kind": "village-head", "community_3_name": "ผู้ใหญ่บ้าน หมู่ 4"}


class GatewayIntoRecord(CaseGateway):
    """Take acts without Temporal: decided by the same rules and recorded at once."""

    def __init__(
        self, settings: Settings, database: Database, reader: CaseReader, clock: SetClock
    ) -> None:
        record = ActsOnRecord(database, reader, CaseRecorder(database, reader), clock)
        super().__init__(EngineCalls(settings), record, Metrics())
        self._into = database
        self._by = reader
        self.clock = clock
        self.is_away = False
        self.told: list[tuple[str, Actor, str]] = []

    async def apply(
        self,
        case_id: str,
        act: a.Act,
        principal: Principal,
        expected_version: int,
        key: str,
        row: CaseRow | None = None,
    ) -> Taken:
        if self.is_away:
            raise TemporalUnavailable
        with self._into.reading() as session:
            row = find_case(session, case_id)
        assert row is not None
        story = Story(case_id)
        story.case = self._by.case(row)
        actor = principal.actor
        self.told.append((act.slug, actor, key))
        judge(story.case, act, actor, self.clock(), expected_version)
        story.act(act, actor, self.clock())
        tell(self._into, story)
        digest = ActRequest.of(act, actor).digest
        receipt = ActReceipt(
            version=story.case.version, stage=story.case.stage, at=self.clock(), digest=digest
        )
        return Taken(receipt, is_recorded=True)


@pytest.fixture
def gateway(
    settings: Settings, database: Database, catalog: ProgramCatalog, clock: SetClock
) -> GatewayIntoRecord:
    reader = CaseReader.of(database, catalog)
    return GatewayIntoRecord(settings, database, reader, clock)


@pytest.fixture
def links(settings: Settings) -> InvitationLinks:
    return InvitationLinks.of(settings)


@pytest.fixture
def invited(database: Database, catalog: ProgramCatalog) -> Story:
    """Invite the sample establishment."""
    seed_establishment(database)
    with database.writing() as session:
        session.add(enrollment(CASE, applicant="system", update_id="drv-1/2"))
    story = Story(CASE, rules=catalog.get("eco-network", "1").rules(), calendar=CALENDAR)
    story.act(a.InviteEstablishment(drive="drv-1"), SYSTEM)
    return tell(database, story)


@pytest.fixture
def path(invited: Story, links: InvitationLinks) -> str:
    """Return the address in the letter."""
    assert invited.case.running is not None
    invitation = Invitation.until(
        invited.case.running.due_at, case=CASE, contact="con-1", establishment=ESTABLISHMENT
    )
    return f"/th/apply/{links.sign(invitation)}"


@pytest.fixture
def reader(
    settings: Settings,
    database: Database,
    catalog: ProgramCatalog,
    clock: SetClock,
    gateway: GatewayIntoRecord,
) -> Iterator[TestClient]:
    """Open the link in a browser without scripts."""
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    app.include_router(public_pages(settings, database, catalog, clock, gateway=gateway))
    with TestClient(app, follow_redirects=False) as client:
        yield client


def stage(database: Database) -> Stage:
    with database.reading() as session:
        row = find_case(session, CASE)
    assert row is not None
    return row.stage


def last_event(database: Database) -> e.Event:
    with database.reading() as session:
        return read_line(read_journal(session, CASE)[-1]).event


def hidden(page: str) -> dict[str, str]:
    """Return the hidden fields of a form."""
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))


def test_the_letter_leads_to_the_application(
    reader: TestClient,
    database: Database,
    catalog: ProgramCatalog,
    links: InvitationLinks,
    invited: Story,
) -> None:
    """The address in the letter opens the form; nothing personal stands in it."""
    composer = NoticeComposer(
        database, catalog, "https://register.example", "Casework <no-reply@x.example>", links=links
    )
    letter = composer.render_preview(f"{CASE}/invitation/1/applicant").text
    found = re.search(r"<https://register\.example(/th/apply/\S+)>", letter)
    assert found, letter
    page = reader.get(found[1])
    assert page.status_code == 200
    assert "somchai" not in found[1].lower()


def test_the_application_is_prefilled_and_private(reader: TestClient, path: str) -> None:
    page = reader.get(path)
    assert page.headers["cache-control"] == "private, no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    for known in ("โรงงานตัวอย่าง", "3-101-1/21", "somchai@sample.example", CASE):
        assert known in page.text
    english = reader.get(path.replace("/th/", "/en/", 1))
    assert "Apply to take part" in english.text
    assert "<script" not in page.text


def test_an_establishment_checks_and_applies(
    reader: TestClient, path: str, database: Database, gateway: GatewayIntoRecord
) -> None:
    check = reader.post(path, data={**SAID, "go": "check"})
    assert "ตรวจสอบคำขอของท่าน" in check.text
    assert stage(database) is Stage.INVITED
    fields = hidden(check.text)
    changed = reader.post(path, data={**fields, "go": "change"})
    assert SAID["text"] in changed.text
    sent = reader.post(path, data={**fields, "go": "submit"})
    assert (sent.status_code, sent.headers["location"]) == (303, path)
    done = reader.get(path)
    assert "ได้รับคำขอของท่านแล้ว" in done.text
    assert CASE in done.text
    assert stage(database) is Stage.APPLICATION_REVIEW
    event = last_event(database)
    assert isinstance(event, e.ApplicationSubmitted)
    assert (event.contact, event.statement) == ("con-1", SAID["text"])
    name, actor, key = gateway.told[0]
    assert (name, actor.person, actor.establishment) == (
        "submit-application",
        "con-1",
        ESTABLISHMENT,
    )
    assert key == fields["key"]
    again = reader.post(path, data={**fields, "go": "submit"})
    assert "ได้รับคำขอของท่านแล้ว" in again.text
    assert len(gateway.told) == 1


def communities(database: Database) -> list[tuple[str, str, str | None]]:
    with database.reading() as session:
        rows = communities_of_case(session, CASE)
    return [(row.kind, row.name, row.email) for row in rows]


def test_an_establishment_names_the_communities_around_it(
    reader: TestClient, path: str, database: Database, gateway: GatewayIntoRecord
) -> None:
    """As many as it adds groups for; they are checked with the rest, and the act holds none of them."""
    form = {**SAID, **OFFICE}
    more = reader.post(path, data={**form, "go": "more"})
    assert more.status_code == 200
    assert 'name="community_3_name"' in more.text
    assert f'value="{OFFICE["community_2_email"]}"' in more.text.replace("community_1", "")
    check = reader.post(path, data={**form, **VILLAGE, "go": "check"})
    assert OFFICE["community_2_name"] in check.text
    assert communities(database) == []
    fields = hidden(check.text)
    assert reader.post(path, data={**fields, "go": "submit"}).status_code == 303
    assert communities(database) == [
        ("local-government", OFFICE["community_2_name"], OFFICE["community_2_email"]),
        ("village-head", VILLAGE["community_3_name"], None),
    ]
    event = last_event(database)
    assert isinstance(event, e.ApplicationSubmitted)
    assert "อบต." not in event.model_dump_json()


def test_what_was_named_counts_as_it_was_sent_last(
    reader: TestClient, path: str, database: Database, gateway: GatewayIntoRecord
) -> None:
    """The engine was away, and somebody thought again."""
    gateway.is_away = True
    assert reader.post(path, data={**SAID, **OFFICE, "go": "submit"}).status_code == 503
    gateway.is_away = False
    assert reader.post(path, data={**SAID, **VILLAGE, "go": "submit"}).status_code == 303
    assert [name for _, name, _ in communities(database)] == [VILLAGE["community_3_name"]]


def test_twenty_communities_fit(reader: TestClient, path: str, database: Database) -> None:
    """Each with all that there is to say, in Thai."""
    form = dict(SAID)
    for n in range(1, 22):
        form |= {
            f"community_{n}_kind": "other",
            f"community_{n}_name": "ช" * 200,
            f"community_{n}_email": f"c{n}@village.example",
            f"community_{n}_phone": "038-000-000",
            f"community_{n}_address": "ท" * 100,
        }
    more = reader.post(path, data={**form, "go": "more"})
    assert 'name="community_20_name"' in more.text
    assert 'value="more"' not in more.text
    assert reader.post(path, data={**form, "go": "submit"}).status_code == 303
    assert [email for _, _, email in communities(database)] == [
        f"c{n}@village.example" for n in range(1, 21)
    ]


def test_a_corrected_contact_is_the_one_that_is_written_to(
    reader: TestClient, path: str, database: Database, gateway: GatewayIntoRecord
) -> None:
    """The same form sent twice, with the engine away in between, keeps one new contact."""
    form = {**SAID, "name": "สมหญิง", "email": "new@sample.example", "go": "submit"}
    gateway.is_away = True
    away = reader.post(path, data=form)
    assert away.status_code == 503
    assert "ยังรับคำตอบของท่านไม่ได้" in away.text
    gateway.is_away = False
    assert reader.post(path, data={**form, **hidden(away.text)}).status_code == 303
    with database.reading() as session:
        contacts = list(session.scalars(select(Contact)))
    assert sorted(contact.email for contact in contacts) == [
        "new@sample.example",
        "somchai@sample.example",
    ]
    event = last_event(database)
    assert isinstance(event, e.ApplicationSubmitted)
    assert event.contact != "con-1"


def test_a_reminder_that_left_meanwhile_does_not_stand_in_the_way(
    reader: TestClient, path: str, database: Database, invited: Story
) -> None:
    check = reader.post(path, data={**SAID, "go": "check"})
    invited.note()
    tell(database, invited, since=1)
    assert reader.post(path, data={**hidden(check.text), "go": "submit"}).status_code == 303


def test_an_establishment_declines_with_a_reason(
    reader: TestClient, path: str, database: Database
) -> None:
    asked = reader.get(f"{path}/decline")
    assert "ปฏิเสธคำเชิญ" in asked.text
    fields = {**hidden(asked.text), "text": "อยู่ระหว่างย้ายโรงงาน"}
    assert reader.post(f"{path}/decline", data=fields).headers["location"] == path
    assert "ท่านปฏิเสธคำเชิญแล้ว" in reader.get(path).text
    assert stage(database) is Stage.DECLINED
    event = last_event(database)
    assert isinstance(event, e.InvitationDeclined)
    assert event.reason == "อยู่ระหว่างย้ายโรงงาน"
    assert "ท่านปฏิเสธคำเชิญแล้ว" in reader.post(path, data={**SAID, "go": "submit"}).text


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"email": "nowhere"}, "email"),
        ({"phone": "1" * 41}, "phone"),
        ({"text": "ก" * 4001}, "text"),
        ({"community_1_name": "อบต."}, "community_1_kind"),
        ({"community_1_kind": "temple", "community_1_name": "วัด"}, "community_1_kind"),
        ({"community_1_kind": "school"}, "community_1_name"),
        ({"community_1_kind": "other", "community_1_name": "x" * 201}, "community_1_name"),
        (
            {"community_2_kind": "other", "community_2_name": "x", "community_2_email": "nowhere"},
            "community_1_email",
        ),
        (
            {"community_1_kind": "other", "community_1_name": "x", "community_1_phone": "1" * 41},
            "community_1_phone",
        ),
        (
            {
                "community_1_kind": "other",
                "community_1_name": "x",
                "community_1_address": "x" * 601,
            },
            "community_1_address",
        ),
    ],
)
def test_what_is_wrong_is_said_beside_the_field(
    reader: TestClient, path: str, database: Database, changed: dict[str, str], field: str
) -> None:
    page = reader.post(path, data={**SAID, **changed, "go": "submit"})
    assert page.status_code == 422
    assert f'href="#{field}"' in page.text
    assert f'id="{field}-error"' in page.text
    assert stage(database) is Stage.INVITED


def test_a_form_that_is_too_large_is_refused(reader: TestClient, path: str) -> None:
    assert reader.post(path, data={**SAID, "text": "x" * 200_000}).status_code == 413
    long = reader.post(f"{path}/decline", data={"text": "x" * 4001})
    assert long.status_code == 422


def test_an_expired_link_says_so(reader: TestClient, path: str, clock: SetClock) -> None:
    clock.forward(days=400)
    for page in (reader.get(path), reader.post(path, data={**SAID, "go": "submit"})):
        assert page.status_code == 410
        assert "คำเชิญนี้หมดอายุแล้ว" in page.text
        assert "somchai" not in page.text


def test_an_altered_link_says_so_and_nothing_else(
    reader: TestClient, path: str, database: Database
) -> None:
    middle = path.rindex("/") + 60
    other = "A" if path[middle] != "A" else "B"
    for broken in (path[:-20], path[:middle] + other + path[middle + 1 :], "/th/apply/x"):
        for page in (reader.get(broken), reader.post(broken, data={**SAID, "go": "submit"})):
            assert page.status_code == 404
            assert "ลิงก์นี้ใช้ไม่ได้" in page.text
            assert CASE not in page.text
    assert stage(database) is Stage.INVITED


def test_a_link_whose_case_is_of_another_establishment_is_none(
    reader: TestClient, links: InvitationLinks, invited: Story
) -> None:
    wrong = Invitation.until(
        NOW + timedelta(days=1), case=CASE, contact="con-1", establishment="est-elsewhere000"
    )
    assert reader.get(f"/en/apply/{links.sign(wrong)}").status_code == 404


def test_an_invitation_that_lapsed_is_over(
    reader: TestClient, links: InvitationLinks, database: Database, invited: Story
) -> None:
    """The case decides, even where a link would still be good."""
    invited.happen([e.CaseLapsed(period=PeriodName.INVITATION, due_at=NOW)])
    tell(database, invited, since=1)
    good = Invitation.until(
        NOW + timedelta(days=900), case=CASE, contact="con-1", establishment=ESTABLISHMENT
    )
    assert "The invitation is over" in reader.get(f"/en/apply/{links.sign(good)}").text


def test_with_the_database_away_there_is_a_page(
    reader: TestClient, path: str, database: Database
) -> None:
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE contacts RENAME TO gone")
    page = reader.get(path)
    assert page.status_code == 503
    assert "text/html" in page.headers["content-type"]
