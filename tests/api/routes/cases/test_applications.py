"""Applying: who may describe an establishment, and what stays when the engine is away."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from api.routes.cases.examples import APPLICATION
from casework.domain.actors import Actor, ActorKind
from casework.store.tables import Enrollment, Establishment
from tests.api.desk import Desk, pointers, problem
from tests.sample_case import OFFICER

PATH = "/api/v1/applications"
ANYBODY = Actor(person="site-manager", kinds=(ActorKind.APPLICANT,))


def count(desk: Desk, table: type[Any]) -> int:
    with desk.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def changed(**more: Any) -> dict[str, Any]:
    """Return the example with these fields of the establishment changed; None takes one away."""
    establishment = {**APPLICATION["establishment"], **more}
    kept = {name: value for name, value in establishment.items() if value is not None}
    return {**APPLICATION, "establishment": kept}


def known_as(desk: Desk, number: str) -> str:
    """Return the id of the establishment with this registration number."""
    with desk.database.reading() as session:
        row = session.scalar(
            select(Establishment).where(col(Establishment.registration_no) == number)
        )
    assert row is not None
    return row.id


def test_an_application_waits_for_the_engine_under_its_key(desk_on_both: Desk) -> None:
    """The reservation stays; the same request finds it again, and other words do not."""
    for _ in range(2):
        answer = desk_on_both.post(PATH, APPLICATION, ANYBODY, key="k")
        problem(answer, 503, "engine-unavailable")
    assert count(desk_on_both, Enrollment) == count(desk_on_both, Establishment) == 1
    other = desk_on_both.post(PATH, {**APPLICATION, "statement": "Other."}, ANYBODY, key="k")
    problem(other, 409, "idempotency-key-reused")


def test_there_is_one_open_case_and_its_applicant_is_told_which(desk_on_both: Desk) -> None:
    desk_on_both.post(PATH, APPLICATION, ANYBODY)
    again = problem(desk_on_both.post(PATH, APPLICATION, ANYBODY), 409, "case-already-open")
    assert again["case"].startswith("eco-")
    assert again["establishment"].startswith("est-")


def test_a_stranger_neither_describes_a_known_establishment_nor_learns_of_its_case(
    desk_on_both: Desk,
) -> None:
    """Whoever is not bound to it changes nothing of what is known, in whatever program."""
    desk_on_both.post(PATH, APPLICATION, ANYBODY)
    stranger = Actor(person="stranger", kinds=(ActorKind.APPLICANT,))
    bound_elsewhere = stranger.model_copy(update={"establishment": "est-elsewhere000"})
    for who in (stranger, bound_elsewhere):
        for program in ("eco-network", "river-governance"):
            body = {**changed(name_th="ของคนอื่น"), "program": program}
            answer = desk_on_both.post(PATH, body, who)
            told = problem(answer, 403, "not-your-establishment")
            assert "case" not in told
    number = APPLICATION["establishment"]["registration_no"]
    with desk_on_both.database.reading() as session:
        row = session.get(Establishment, known_as(desk_on_both, number))
    assert row is not None
    assert row.name_th == APPLICATION["establishment"]["name_th"]
    assert count(desk_on_both, Enrollment) == 1


def test_a_token_bound_to_another_establishment_opens_no_new_one(desk: Desk) -> None:
    bound = ANYBODY.model_copy(update={"establishment": "est-elsewhere000"})
    problem(desk.post(PATH, APPLICATION, bound), 403, "not-your-establishment")
    assert count(desk, Establishment) == 0


def test_the_own_establishment_applies_for_another_program_and_describes_itself_anew(
    desk: Desk,
) -> None:
    desk.post(PATH, APPLICATION, ANYBODY)
    number = APPLICATION["establishment"]["registration_no"]
    own = ANYBODY.model_copy(update={"establishment": known_as(desk, number)})
    body = {**changed(name_en="Namsai Works"), "program": "river-governance"}
    problem(desk.post(PATH, body, own), 503, "engine-unavailable")
    assert count(desk, Enrollment) == 2
    with desk.database.reading() as session:
        row = session.get(Establishment, own.establishment)
    assert row is not None
    assert row.name_en == "Namsai Works"


def test_only_applicants_apply(desk: Desk) -> None:
    problem(desk.post(PATH, APPLICATION, OFFICER), 403, "role-required")
    problem(desk.post(PATH, APPLICATION), 401, "token-required")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (changed(registration_no=None), "/establishment/registration_no"),
        (changed(registration_no="x" * 65), "/establishment/registration_no"),
        (changed(name_th=None, name_en=None), "/establishment"),
        (changed(name_th="A\nB"), "/establishment/name_th"),
        (changed(province="99"), "/establishment/province"),
        (changed(province=21), "/establishment/province"),
        (changed(latitude=91), "/establishment/latitude"),
        (changed(longitude=None), "/establishment"),
        (changed(river_basin=23), "/establishment/river_basin"),
        (changed(color="green"), "/establishment/color"),
        ({**APPLICATION, "contact": {"name": "A", "email": "nowhere"}}, "/contact/email"),
        (
            {**APPLICATION, "contact": {"name": "A", "email": "a@b", "phone": "1" * 41}},
            "/contact/phone",
        ),
        ({**APPLICATION, "documents": [{"file": "x", "title": "t"}]}, "/documents/0/file"),
        ({**APPLICATION, "statement": ""}, "/statement"),
    ],
)
def test_a_malformed_application_says_where(desk: Desk, body: dict[str, Any], pointer: str) -> None:
    answer = desk.post(PATH, body, ANYBODY)
    assert pointer in pointers(problem(answer, 422, "request-malformed"))
    assert count(desk, Establishment) == 0


def test_a_program_that_is_not_there_is_pointed_at(desk: Desk) -> None:
    answer = desk.post(PATH, {**APPLICATION, "program": "gold"}, ANYBODY)
    assert pointers(problem(answer, 422, "program-unknown")) == ["/program"]


def test_before_its_first_day_a_program_takes_no_applications(desk: Desk) -> None:
    desk.clock.forward(days=-40 * 365)
    problem(desk.post(PATH, APPLICATION, ANYBODY), 409, "program-not-open")


def test_documents_have_to_be_uploaded_first(desk: Desk) -> None:
    """Nothing is reserved for an application that cannot be read."""
    body = {**APPLICATION, "documents": [{"file": "ab" * 32, "title": "Plan"}]}
    answer = desk.post(PATH, body, ANYBODY)
    assert pointers(problem(answer, 422, "evidence-unknown")) == ["/documents/0/file"]
    assert count(desk, Enrollment) == count(desk, Establishment) == 0
    body["documents"][0]["file"] = desk.upload(ANYBODY)
    problem(desk.post(PATH, body, ANYBODY), 503, "engine-unavailable")
    assert count(desk, Enrollment) == 1
