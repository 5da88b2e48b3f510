"""Reading cases: lists and their order, the whole case, its journal, its clock and its notices."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import insert

from casework.domain import acts as a
from casework.domain.actors import ActorKind
from casework.domain.rules import Grade
from casework.domain.stages import Stage
from casework.store.cases.enrollments import (
    NewContact,
    NewEnrollment,
    NewEstablishment,
    open_enrollment,
)
from casework.store.outbox import NewNotice, add_notices
from casework.store.tables import CaseRow, Establishment
from tests.api.desk import Desk, problem
from tests.sample_case import (
    ADMINISTRATOR,
    APPLICANT,
    CAST,
    INSPECTOR,
    NOW,
    OFFICER,
    SUPERVISOR,
    TERMS,
    act_of,
)
from tests.statements import counted
from tests.store.rows import case_row, establishment_row
from tests.store.story import Story, put

CASE = f"/api/v1/cases/{TERMS.case_id}"


MILLS = ("Alpha", "Bravo", "Cedar", "Delta", "Ember", "Fjord", "Grove")


def fill(desk: Desk, count: int = 5) -> None:
    """Put cases into the queue, each due a day after the one before; the last is overdue."""
    with desk.database.writing() as session:
        session.execute(
            insert(Establishment),
            [
                establishment_row(
                    f"est-{n}", name_th=f"โรงงานน้ำตาล {MILLS[n]}", name_en=f"Sugar {MILLS[n]}"
                )
                for n in range(count)
            ],
        )
        session.execute(
            insert(CaseRow),
            [
                case_row(
                    f"eco-queueaaaaaa{'abcdefg'[n]}",
                    establishment_id=f"est-{n}",
                    stage=Stage.REVIEW if n % 2 else Stage.INSPECTION,
                    officer="officer-21" if n < 2 else None,
                    due_at=NOW + timedelta(days=n if n < count - 1 else -1),
                )
                for n in range(count)
            ],
        )


def ids(desk: Desk, query: str = "") -> list[str]:
    """Return the numbers of the listed cases."""
    answer = desk.get(f"/api/v1/cases{query}", OFFICER)
    assert answer.status_code == 200, answer.text
    return [str("abcdefg".index(item["id"][-1])) for item in answer.json()["items"]]


# --- Lists ----------------------------------------------------------------------------------------


def test_a_list_begins_with_what_is_due_first(desk_on_both: Desk) -> None:
    """The overdue one leads, and says that it is."""
    fill(desk_on_both)
    assert ids(desk_on_both) == ["4", "0", "1", "2", "3"]
    items = desk_on_both.get("/api/v1/cases", OFFICER).json()["items"]
    assert [item["is_overdue"] for item in items] == [True, True, False, False, False]
    assert items[0]["establishment"] == {
        "id": "est-4",
        "registration_no": "est-4",
        "name_th": "โรงงานน้ำตาล Ember",
        "name_en": "Sugar Ember",
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?stage=review", ["1", "3"]),
        ("?officer=officer-21", ["0", "1"]),
        ("?due=overdue", ["4", "0"]),
        (
            f"?due_before={(NOW + timedelta(days=2)).strftime('%Y-%m-%dT%H:%M:%SZ')}",
            ["4", "0", "1"],
        ),
        ("?province=21&program=eco-network", ["4", "0", "1", "2", "3"]),
        ("?province=90", []),
        ("?program=river-governance", []),
        ("?q=โรงงานน้ำตาล+delta", ["3"]),
        ("?q=sugar+CEDAR", ["2"]),
        ("?q=eco-queueaaaaaab", ["1"]),
        ("?q=%25", []),
        ("?stage=review&officer=officer-21", ["1"]),
    ],
)
def test_filters_all_have_to_hold(desk_on_both: Desk, query: str, found: list[str]) -> None:
    fill(desk_on_both)
    assert ids(desk_on_both, query) == found


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("stage=unknown", "stage"),
        ("province=1", "province"),
        ("province=", "province"),
        ("program=%00", "program"),
        ("officer=a%20b", "officer"),
        ("due=soon", "due"),
        ("due_before=2026-11-23", "due_before"),
        ("due_before=2026-11-23T00:00:00", "due_before"),
        ("q=a%00b", "q"),
        ("q=" + "x" * 201, "q"),
        ("limit=0", "limit"),
        ("limit=many", "limit"),
        ("cursor=!", "cursor"),
        ("cursor=abc", "cursor"),
        ("cursor=WzEsMl0", "cursor"),
    ],
)
def test_a_malformed_filter_is_named(desk_on_both: Desk, query: str, parameter: str) -> None:
    body = problem(desk_on_both.get(f"/api/v1/cases?{query}", OFFICER), 422, "request-malformed")
    assert [error["parameter"] for error in body["errors"]] == [parameter]


def test_following_the_links_shows_every_case_once(desk_on_both: Desk) -> None:
    """The link is under the public address, whatever host the request named, and keeps the filters."""
    fill(desk_on_both, 7)
    seen: list[str] = []
    path = "/api/v1/cases?limit=2&province=21"
    while True:
        answer = desk_on_both.get(path, OFFICER, headers={"Host": "evil.example"})
        page = answer.json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        link, relation = answer.headers["link"].split("; ")
        assert relation == 'rel="next"'
        url = urlsplit(link.strip("<>"))
        assert f"{url.scheme}://{url.netloc}{url.path}" == "https://cases.example/api/v1/cases"
        assert parse_qs(url.query) == {"limit": ["2"], "province": ["21"], "cursor": [page["next"]]}
        path = f"{url.path}?{url.query}"
    assert len(seen) == len(set(seen)) == 7


def test_a_list_costs_one_statement(desk: Desk) -> None:
    fill(desk)
    # Who is shut out is read once in a few seconds, by whoever comes first.
    desk.get("/api/v1/me", OFFICER)
    with counted(desk.database.engine) as sent:
        ids(desk, "?q=sugar&due=overdue")
    assert sent.statements <= 2, sent


# --- One case -------------------------------------------------------------------------------------


def test_the_whole_case_has_its_version_as_tag(desk_on_both: Desk) -> None:
    """Who holds the tag need not read the case again until something happens to it."""
    story = desk_on_both.put_case(Stage.FEEDBACK)
    answer = desk_on_both.get(CASE, OFFICER)
    body = answer.json()
    assert answer.headers["etag"] == f'"{body["version"]}"' == '"5"'
    assert body["stage"] == "feedback"
    assert body["establishment"]["registration_no"] == "3-101-1/21"
    assert body["contact"] == "con-1"
    assert body["assessment"]["passed"] is True
    assert body["duties"]["inspectors"] == [INSPECTOR.person]
    for tags in ('"5"', 'W/"5"', '"4", "5"', "*"):
        known = desk_on_both.get(CASE, OFFICER, headers={"If-None-Match": tags})
        assert (known.status_code, known.content) == (304, b"")
        assert known.headers["etag"] == '"5"'
    put(desk_on_both.database, _after(story, a.AddNote(note="Telephoned.")), since=-1)
    again = desk_on_both.get(CASE, OFFICER, headers={"If-None-Match": '"5"'})
    assert (again.status_code, again.headers["etag"]) == (200, '"6"')


def test_an_applicant_sees_the_case_and_none_of_the_offices_duties(desk: Desk) -> None:
    """Advice before the decision, conflicts and reviewers are the office's own."""
    desk.put_case(Stage.DECISION)
    body = desk.get(CASE, APPLICANT).json()
    assert body["stage"] == "decision"
    assert body["duties"] is None


def test_nonconformities_name_what_has_to_be_corrected(desk: Desk) -> None:
    """The establishment reads from the case what it has to answer."""
    story = desk.put_case(Stage.INSPECTION)
    criterion = story.terms.rules.criteria[0].code
    findings = act_of(a.FileInspection, story.case)
    assert isinstance(findings, a.FileInspection)
    wrong = a.Finding(criterion=criterion, grade=Grade.MAJOR, remark="Seen.", evidence=("ab" * 32,))
    story.act(findings.model_copy(update={"findings": (wrong, *findings.findings[1:])}), INSPECTOR)
    put(desk.database, story, since=-1)
    body = desk.get(CASE, APPLICANT).json()
    assert body["stage"] == "corrective-action"
    assert body["to_correct"] == [criterion]
    assert body["standings"][0] == {"criterion": criterion, "grade": "major", "closed": False}
    assert body["assessment"]["passed"] is False
    assert body["assessment"]["visit_percent"] == 100 - story.terms.rules.criteria[0].weight


def test_a_case_shows_every_item_it_was_returned_for(desk: Desk) -> None:
    """So that an officer sees before a second return what may be named in it."""
    story = desk.put_case(Stage.APPLICATION_REVIEW)
    item = story.terms.rules.items[0]
    story.act(act_of(a.ReturnApplication, story.case), OFFICER)
    story.act(act_of(a.ResubmitApplication, story.case), APPLICANT)
    put(desk.database, story, since=-2)
    body = desk.get(CASE, OFFICER).json()
    assert (body["items_to_answer"], body["items_named"]) == ([], [item])


def test_an_invited_establishment_finds_the_contact_to_apply_with(desk: Desk) -> None:
    """Before the application the case itself knows no contact; its reservation does."""
    with desk.database.writing() as session:
        opened = open_enrollment(
            session,
            NewEnrollment(
                program="eco-network",
                prefix="eco",
                program_version="1",
                establishment=NewEstablishment(
                    registration_no="1", name_th="โรงงาน", address="1", province="21"
                ),
                contact=NewContact(name="A", email="a@b.example"),
                applicant="drive-1",
                update_id="u",
                digest="d",
            ),
            NOW,
        )
    version = desk.parts.catalog.get("eco-network", "1")
    story = Story(
        opened.case_id,
        establishment=opened.establishment_id,
        rules=version.rules(),
        calendar=desk.parts.calendar(),
    )
    system = next(actor for actor in CAST if ActorKind.SYSTEM in actor.kinds)
    story.act(a.InviteEstablishment(drive="drive-1"), system)
    put(desk.database, story)
    body = desk.get(f"/api/v1/cases/{opened.case_id}", OFFICER).json()
    assert (body["stage"], body["contact"]) == ("invited", opened.contact_id)


# --- Acts, clock, journal, notices ----------------------------------------------------------------


def test_every_act_is_open_or_says_why_not(desk: Desk) -> None:
    """The answer names the code and the reason, and where to send the act."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    answer = desk.get(f"{CASE}/acts", OFFICER)
    acts = {act["act"]: act for act in answer.json()["acts"]}
    assert answer.headers["etag"] == '"1"'
    assert acts["accept-application"] == {
        "act": "accept-application",
        "is_open": True,
        "href": f"{CASE}/acts/accept-application",
        "refusal": None,
        "closed_choices": [],
    }
    assert acts["decide"]["refusal"]["code"] == "role-required"
    assert acts["schedule-inspection"]["refusal"]["code"] == "not-at-this-stage"


def test_the_clock_says_why_in_thai_and_in_english(desk: Desk) -> None:
    """The holidays passed over are those of the case's own calendar."""
    desk.put_case(Stage.INSPECTION)
    body = desk.get(f"{CASE}/clock", APPLICANT).json()
    due = body["due"]
    assert (due["period"], due["holder"]) == ("inspection", "office")
    assert due["why"]["en"].startswith(f"{due['length']} working days.")
    assert "วันทำการ" in due["why"]["th"]
    assert "2026-12-10" in due["left_out"]
    assert [s["state"] for s in body["stretches"]] == ["stopped", "running"]


def test_staff_read_the_journal_with_people_and_hashes(desk_on_both: Desk) -> None:
    """Page by page, and each line once."""
    desk_on_both.put_case(Stage.REVIEW)
    first = desk_on_both.get(f"{CASE}/journal?limit=4", OFFICER).json()
    rest = desk_on_both.get(f"{CASE}/journal?after={first['next']}", OFFICER).json()
    lines = [*first["items"], *rest["items"]]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    assert rest["next"] is None
    assert lines[0]["type"] == "ApplicationSubmitted"
    assert lines[0]["person"] == APPLICANT.person
    assert lines[0]["event"]["statement"] == "We apply."
    assert all(len(line["hash"]) == 64 for line in lines)


def test_an_applicant_reads_what_concerns_the_applicant(desk: Desk) -> None:
    """No notes, no conflicts, no advice; no person and no declaration of an inspector."""
    story = desk.put_case(Stage.DECISION)
    _after(story, a.AddNote(note="Between us."))
    _after(story, a.DeclareConflict(statement="My brother."))
    put(desk.database, story, since=-2)
    answer = desk.get(f"{CASE}/journal", APPLICANT)
    types = [line["type"] for line in answer.json()["items"]]
    assert "ApplicationSubmitted" in types
    assert not {"NoteAdded", "ConflictDeclared", "RecommendationMade"} & set(types)
    assert {line["person"] for line in answer.json()["items"]} == {None}
    for secret in ("Between us", "My brother", "No interest", "All criteria are met"):
        assert secret not in answer.text
    staff = desk.get(f"{CASE}/journal", OFFICER).text
    assert "Between us" in staff


def test_notices_of_a_case_show_what_became_of_them(desk: Desk) -> None:
    """Staff see all, the applicant those to the applicant; nobody sees an address."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    with desk.database.writing() as session:
        for slug, recipient in (("application-received", "applicant"), ("to-review", "office")):
            add_notices(session, TERMS.case_id, [NewNotice(slug, 1, recipient)], {1: NOW})
    seen = desk.get(f"{CASE}/notices", OFFICER).json()["items"]
    assert [(n["notice"], n["state"]) for n in seen] == [
        ("application-received", "created"),
        ("to-review", "created"),
    ]
    answer = desk.get(f"{CASE}/notices", APPLICANT)
    assert [n["notice"] for n in answer.json()["items"]] == ["application-received"]
    assert "@" not in answer.text


def test_what_is_read_of_a_case_is_kept_by_nobody_else(desk: Desk) -> None:
    """A shared cache in between would show one person's answer to another."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    for path in ("/api/v1/cases", CASE, f"{CASE}/acts", f"{CASE}/clock", f"{CASE}/journal"):
        answer = desk.get(path, SUPERVISOR)
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization"


def test_a_supervisor_of_the_whole_country_sees_every_province(desk: Desk) -> None:
    desk.put_case(Stage.APPLICATION_REVIEW)
    assert desk.get(CASE, ADMINISTRATOR, scope={"provinces": "*"}).status_code == 200


def _after(story: Story, act: a.Act) -> Story:
    story.act(act, OFFICER)
    return story
