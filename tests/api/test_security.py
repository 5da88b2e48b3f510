"""Who gets in, and that what one may not see looks like what is not there."""

import base64
import json
from itertools import product

import pytest
from sqlalchemy import event, insert

from api.routes.cases.acts import ACTS_OF_PEOPLE
from api.routes.cases.examples import APPLICATION
from casework.domain.actors import Actor, ActorKind
from casework.domain.openness import ACT_RULES
from casework.domain.policy import CaseScope, Principal, may_see
from casework.domain.stages import Stage
from casework.identity.tokens import issue_token
from casework.store.cases.calendars import keep_calendar
from casework.store.revocations import add_revocation, lift_revocations
from casework.store.tables import CaseRow, Establishment
from tests.api.desk import PDF, Desk, problem
from tests.sample_case import ADMINISTRATOR, APPLICANT, OFFICER, STRANGER, TERMS
from tests.store.rows import case_row, establishment_row

CASE = f"/api/v1/cases/{TERMS.case_id}"
READS = (CASE, f"{CASE}/acts", f"{CASE}/clock", f"{CASE}/journal", f"{CASE}/notices")
KINDS = [kind for kind in ActorKind if kind is not ActorKind.SYSTEM]


def test_without_a_token_there_is_a_challenge(desk: Desk) -> None:
    answer = desk.get("/api/v1/cases")
    problem(answer, 401, "token-required")
    assert answer.headers["www-authenticate"] == 'Bearer realm="casework"'


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "token x"])
def test_another_scheme_is_no_token(desk: Desk, header: str) -> None:
    answer = desk.get("/api/v1/me", headers={"Authorization": header})
    problem(answer, 401, "token-required")


def test_a_token_that_is_not_valid_says_so_in_the_challenge(desk: Desk) -> None:
    answer = desk.get("/api/v1/me", headers={"Authorization": "Bearer x.y.z"})
    problem(answer, 401, "token-invalid")
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_an_expired_token_has_a_code_of_its_own(desk: Desk) -> None:
    headers = desk.headers(OFFICER)
    desk.clock.forward(days=1)
    problem(desk.get("/api/v1/me", headers=headers), 401, "token-expired")


def test_without_the_keys_of_the_issuer_nobody_can_be_known(desk: Desk) -> None:
    headers = desk.headers(OFFICER)
    desk.settings.issuer_key_file.write_text("no key")
    answer = desk.get("/api/v1/me", headers=headers)
    body = problem(answer, 503, "token-keys-unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert str(desk.settings.state_folder) not in body["detail"]


def test_me_is_what_the_api_understood_of_the_token(desk: Desk) -> None:
    answer = desk.get("/api/v1/me", OFFICER, scope={"provinces": ["22", "21"]})
    assert answer.json() == {
        "person": OFFICER.person,
        "roles": ["officer"],
        "provinces": ["21", "22"],
        "programs": ["*"],
        "establishment": None,
    }
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", READS)
def test_a_foreign_case_looks_like_one_that_is_not_there(desk: Desk, path: str) -> None:
    """Another province, another program, another establishment, no scope: always the same answer."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    hidden = [
        desk.get(path, OFFICER, scope={"provinces": ["90"]}),
        desk.get(path, OFFICER, scope={"provinces": []}),
        desk.get(path, OFFICER, scope={"programs": ["river-governance"]}),
        desk.get(path, STRANGER),
        desk.get(path, Actor(person="nobody", kinds=())),
        desk.get(path.replace(TERMS.case_id, "eco-notthere0001"), OFFICER),
        desk.get(path.replace(TERMS.case_id, "%00"), OFFICER),
        desk.get(path.replace(TERMS.case_id, "a b"), OFFICER),
        desk.get(path.replace(TERMS.case_id, "x" * 500), OFFICER),
    ]
    told = {problem(answer, 404, "not-found")["detail"] for answer in hidden}
    assert len(told) == 1
    assert desk.get(path, OFFICER).status_code == 200
    assert desk.get(path, APPLICANT).status_code == 200


def test_no_act_reaches_a_foreign_case(desk: Desk) -> None:
    """An officer of another province gets 404 for each act, with a good body and with a bad one."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    for act in ACTS_OF_PEOPLE:
        for body in ({}, {"unknown": 1}, []):
            answer = desk.act(act.slug, body, OFFICER, scope={"provinces": ["90"]})
            problem(answer, 404, "not-found")


def test_nobody_invites_by_hand(desk: Desk) -> None:
    """InviteEstablishment belongs to drives; the API has no such address."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    problem(desk.act("invite-establishment", {"drive": "d"}, ADMINISTRATOR), 404, "not-found")
    listed = desk.get(f"{CASE}/acts", ADMINISTRATOR).json()["acts"]
    assert "invite-establishment" not in {act["act"] for act in listed}


STAGES = (
    Stage.APPLICATION_REVIEW,
    Stage.INSPECTION,
    Stage.FEEDBACK,
    Stage.ANSWERING,
    Stage.REVIEW,
    Stage.DECISION,
    Stage.CERTIFIED,
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_acts_of_a_case_answer_by_role_province_and_stage(desk: Desk, kind: ActorKind) -> None:
    """Role by province by stage by act: what is open follows from the table of acts alone."""
    own = TERMS.establishment if kind is ActorKind.APPLICANT else None
    who = Actor(person=f"{kind}-x", kinds=(kind,), establishment=own)
    for number, stage in enumerate(STAGES):
        case_id = f"eco-matrix00000{number}"
        desk.put_case(stage, case_id)
        path = f"/api/v1/cases/{case_id}/acts"
        if kind is not ActorKind.APPLICANT:
            problem(desk.get(path, who, scope={"provinces": ["90"]}), 404, "not-found")
        acts = {act["act"]: act for act in desk.get(path, who).json()["acts"]}
        assert list(acts) == [act.slug for act in ACTS_OF_PEOPLE]
        for act in ACTS_OF_PEOPLE:
            rule, view = ACT_RULES[act], acts[act.slug]
            code = view["refusal"]["code"] if view["refusal"] else None
            assert (code == "role-required") is (kind not in rule.who), (stage, act)
            if kind in rule.who:
                assert (code == "not-at-this-stage") is (stage not in rule.stages), (stage, act)
            assert view["is_open"] is (code is None)


# --- Lists ----------------------------------------------------------------------------------------

PROVINCES, PROGRAMS, SITES = ("21", "22"), ("eco-network", "river-governance"), ("est-a", "est-b")
SCOPES = {
    f"eco-scoped{n:06}": CaseScope(establishment=site, program=program, province=province)
    for n, (province, program, site) in enumerate(product(PROVINCES, PROGRAMS, SITES))
}


@pytest.fixture
def many(desk: Desk) -> Desk:
    """Every combination of province, program and establishment once."""
    calendar = desk.parts.calendar()
    revision = calendar.revision
    with desk.database.writing() as session:
        keep_calendar(session, calendar)
        session.execute(insert(Establishment), [establishment_row(site) for site in SITES])
        session.execute(
            insert(CaseRow),
            [
                case_row(
                    case_id,
                    province=scope.province,
                    program=scope.program,
                    program_version="1",
                    establishment_id=scope.establishment,
                    calendar_revision=revision,
                )
                for case_id, scope in SCOPES.items()
            ],
        )
    return desk


@pytest.mark.parametrize(
    ("kinds", "provinces", "programs", "establishment"),
    [
        (("officer",), ["21"], "*", None),
        (("officer",), ["21", "22"], ["eco-network"], None),
        (("officer",), [], "*", None),
        (("supervisor",), "*", "*", None),
        (("reviewer",), "*", [], None),
        (("applicant",), [], "*", "est-a"),
        (("applicant",), ["21"], "*", None),
        (("applicant", "officer"), ["22"], ["eco-network"], "est-b"),
        ((), "*", "*", None),
    ],
)
def test_a_list_shows_exactly_what_single_reads_show(
    many: Desk,
    kinds: tuple[str, ...],
    provinces: list[str] | str,
    programs: list[str] | str,
    establishment: str | None,
) -> None:
    """One policy serves both: nothing in a list that a read hides, nothing hidden that a read shows."""
    roles = [ActorKind(kind) for kind in kinds]
    token = issue_token(
        many.settings,
        "somebody",
        roles,
        provinces=provinces,
        programs=programs,
        establishment=establishment,
        now=lambda: many.clock().timestamp(),
    )
    headers = {"Authorization": f"Bearer {token}"}
    listed = many.get("/api/v1/cases?limit=200", headers=headers).json()["items"]
    read = {
        case_id
        for case_id in SCOPES
        if many.get(f"/api/v1/cases/{case_id}", headers=headers).status_code == 200
    }
    principal = Principal(
        person="somebody",
        kinds=tuple(roles),
        provinces="*" if isinstance(provinces, str) else frozenset(provinces),
        programs="*" if isinstance(programs, str) else frozenset(programs),
        establishment=establishment,
    )
    assert {item["id"] for item in listed} == read
    assert read == {case_id for case_id, scope in SCOPES.items() if may_see(principal, scope)}


# --- Shut out, and kept within bounds -------------------------------------------------------------


def test_who_was_shut_out_gets_in_no_more_within_seconds(desk: Desk) -> None:
    assert desk.get("/api/v1/me", OFFICER).status_code == 200
    with desk.database.writing() as session:
        add_revocation(session, OFFICER.person, None, desk.clock(), "security", "left the office")
    desk.clock.forward(seconds=5)
    body = problem(desk.get("/api/v1/me", OFFICER), 401, "token-invalid")
    assert "revoked" in body["detail"]
    assert "left the office" not in body["detail"]
    assert desk.get("/api/v1/me", ADMINISTRATOR).status_code == 200
    headers = desk.headers(OFFICER)
    desk.clock.forward(seconds=5)
    with desk.database.writing() as session:
        assert lift_revocations(session, OFFICER.person, desk.clock(), "security") == 1
    desk.clock.forward(seconds=5)
    problem(desk.get("/api/v1/me", headers=headers), 401, "token-invalid")
    assert desk.get("/api/v1/me", OFFICER).status_code == 200


def test_a_revoked_token_is_known_by_its_id(desk: Desk) -> None:
    token = desk.token(OFFICER)
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    with desk.database.writing() as session:
        add_revocation(session, None, claims["jti"], desk.clock(), "security", "lost laptop")
    answer = desk.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    problem(answer, 401, "token-invalid")
    assert desk.get("/api/v1/me", OFFICER).status_code == 200


def test_checking_for_revocations_costs_no_statement_for_most_requests(desk: Desk) -> None:
    statements: list[str] = []
    event.listen(
        desk.database.engine, "before_cursor_execute", lambda *seen: statements.append(seen[2])
    )
    for _ in range(10):
        desk.get("/api/v1/me", OFFICER)
    assert len([text for text in statements if "revocations" in text]) == 1


def test_a_token_without_a_part_uploads_nothing(desk: Desk) -> None:
    nobody = Actor(person="nobody", kinds=())
    answer = desk.post(
        "/api/v1/evidence", who=nobody, content=PDF, headers={"Content-Type": "application/pdf"}
    )
    problem(answer, 403, "role-required")


def test_one_person_uploads_so_much_and_the_others_go_on(desk: Desk) -> None:
    for _ in range(60):
        desk.upload(OFFICER)
    answer = desk.post(
        "/api/v1/evidence", who=OFFICER, content=PDF, headers={"Content-Type": "application/pdf"}
    )
    problem(answer, 429, "rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert desk.upload(APPLICANT)
    desk.clock.forward(minutes=1)
    assert desk.upload(OFFICER)


def test_one_person_applies_so_often_and_the_others_go_on(desk: Desk) -> None:
    """What is refused counts as well: it costs as much."""
    body = {**APPLICATION, "program": "no-such-program"}
    for _ in range(30):
        problem(desk.post("/api/v1/applications", body, APPLICANT), 422, "program-unknown")
    answer = desk.post("/api/v1/applications", body, APPLICANT)
    problem(answer, 429, "rate-limited")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    other = APPLICANT.model_copy(update={"person": "another-applicant"})
    problem(desk.post("/api/v1/applications", body, other), 422, "program-unknown")


def test_the_age_of_the_keys_is_a_metric(desk: Desk) -> None:
    """Read again before it is told: a quiet night is no alarm, an issuer that is away is one."""
    desk.get("/api/v1/me", OFFICER)
    desk.clock.forward(hours=1)
    assert "casework_token_keys_age_seconds 0.0" in desk.get("/metrics").text
    desk.settings.issuer_key_file.write_text("no key")
    desk.clock.forward(seconds=700)
    assert "casework_token_keys_age_seconds 700.0" in desk.get("/metrics").text
