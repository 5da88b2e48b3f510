"""A list never shows what a single read hides, and hides nothing that a single read shows."""

from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from casework.domain.actors import ActorKind
from casework.domain.policy import CaseScope, Principal, may_see
from casework.store.cases.lists import CaseFilter, find_visible_case, list_cases
from casework.store.database import Database
from casework.store.tables import CaseRow
from tests.store.rows import case_row

PROVINCES = ("21", "22", "51")
PROGRAMS = ("eco-network", "river-governance")
ESTABLISHMENTS = ("est-a", "est-b")

SCOPES = {
    f"eco-visible{number:05}": CaseScope(establishment=e, program=g, province=p)
    for number, (p, g, e) in enumerate(product(PROVINCES, PROGRAMS, ESTABLISHMENTS))
}
"""Every combination once: whatever a principal may or may not see is among them."""


def scopes(members: tuple[str, ...]) -> st.SearchStrategy[frozenset[str] | str]:
    return st.just("*") | st.frozensets(st.sampled_from(members))


principals = st.builds(
    Principal,
    person=st.just("somebody"),
    kinds=st.lists(st.sampled_from(ActorKind), max_size=3, unique=True).map(tuple),
    provinces=scopes((*PROVINCES, "96")),
    programs=scopes((*PROGRAMS, "other-program")),
    establishment=st.none() | st.sampled_from((*ESTABLISHMENTS, "est-c")),
)


@pytest.fixture
def cases(database: Database) -> Database:
    with database.writing() as session:
        session.execute(
            insert(CaseRow),
            [
                case_row(
                    case_id,
                    province=scope.province,
                    program=scope.program,
                    establishment_id=scope.establishment,
                )
                for case_id, scope in SCOPES.items()
            ],
        )
    return database


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(principal=principals, data=st.data())
def test_lists_and_single_reads_show_what_the_policy_says(
    cases: Database, principal: Principal, data: st.DataObject
) -> None:
    allowed = {case_id for case_id, scope in SCOPES.items() if may_see(principal, scope)}
    single = data.draw(st.sampled_from(sorted(SCOPES)))
    wanted = CaseFilter(
        province=data.draw(st.none() | st.sampled_from(PROVINCES)),
        program=data.draw(st.none() | st.sampled_from(PROGRAMS)),
    )
    with cases.reading() as session:
        listed = [item.case.case_id for item in list_cases(session, principal).items]
        assert sorted(listed) == sorted(allowed)
        found = find_visible_case(session, principal, single)
        assert (found is not None) is (single in allowed)
        narrowed = [item.case.case_id for item in list_cases(session, principal, wanted).items]
    assert set(narrowed) == {
        case_id
        for case_id in allowed
        if wanted.province in {None, SCOPES[case_id].province}
        and wanted.program in {None, SCOPES[case_id].program}
    }
