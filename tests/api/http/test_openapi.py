"""The description of the API: complete, true, and held against the API by generated requests."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import cycle
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from pydantic import TypeAdapter
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.testclient import TestClient

from api.app import create_app
from api.engine.calls import EngineCalls, EngineState
from api.engine.cases import CaseGateway, Taken
from api.http.errors import MEDIA_TYPE
from api.routes.cases.acts import ACTS_OF_PEOPLE
from api.routes.cases.applications import Application
from api.routes.cases.communities import CommunitiesBody
from api.routes.cases.examples import (
    APPLICATION,
    COMMUNITIES,
    EXAMPLES_OF_ACTS,
    REPRESENTATION,
)
from api.routes.cases.representations import RepresentationBody
from casework.cases.reading import CaseReader
from casework.contracts.enrollment import ActReceipt, ActRequest
from casework.domain.actors import Actor, ActorKind
from casework.domain.acts import ACTS, Act, SubmitApplication
from casework.domain.case import Terms
from casework.domain.decide import judge
from casework.domain.policy import Principal
from casework.domain.stages import Stage
from casework.programs.catalog import ProgramCatalog
from casework.store.cases.casebook import find_case
from casework.store.database import Database
from casework.store.tables import CaseRow
from tests.api.conftest import settings_for
from tests.api.desk import Desk, SetClock
from tests.sample_case import NOW, TERMS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return create_app().openapi()


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def test_it_is_openapi_3_1_and_names_each_operation_once(description: dict[str, Any]) -> None:
    assert description["openapi"].startswith("3.1")
    names = [operation["operationId"] for _, _, operation in operations(description)]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in description["tags"]}
    for _, path, operation in operations(description):
        assert set(operation["tags"]) <= tags, path
        assert operation["summary"], path


def test_each_act_has_an_address_a_body_and_an_example(description: dict[str, Any]) -> None:
    for act in ACTS_OF_PEOPLE:
        operation = description["paths"][f"/api/v1/cases/{{case_id}}/acts/{act.slug}"]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        assert content["schema"]["$ref"].endswith(f"/{act.__name__}")
        assert content["examples"]
    assert len(ACTS_OF_PEOPLE) == len(ACTS) - 1


def test_the_examples_are_what_they_are_examples_of() -> None:
    """A copied example works, as far as the case allows."""
    for act, examples in EXAMPLES_OF_ACTS.items():
        for name, example in examples.items():
            assert act.model_validate(cast(Any, example)["value"]), (act, name)
    assert set(EXAMPLES_OF_ACTS) == set(ACTS_OF_PEOPLE)
    assert TypeAdapter(Application).validate_python(APPLICATION)
    assert TypeAdapter(CommunitiesBody).validate_python(COMMUNITIES)
    assert TypeAdapter(RepresentationBody).validate_python(REPRESENTATION)


def test_every_error_is_described_as_a_problem(description: dict[str, Any]) -> None:
    for method, path, operation in operations(description):
        for status, response in operation["responses"].items():
            if status[0] in "45":
                assert list(response["content"]) == [MEDIA_TYPE], (method, path, status)
    assert "HTTPValidationError" not in description["components"]["schemas"]


def test_every_post_asks_for_a_key_and_every_act_for_a_version(description: dict[str, Any]) -> None:
    for method, path, operation in operations(description):
        needed = {p["name"] for p in operation.get("parameters", ()) if p["required"]}
        assert ("Idempotency-Key" in needed) is (method == "POST"), path
        assert ("If-Match" in needed) is ("/acts/" in path and method == "POST"), path


def test_only_what_is_for_everybody_goes_without_a_token(description: dict[str, Any]) -> None:
    """A forgotten permission would show here."""
    open_to_all = {
        f"{method} {path}"
        for method, path, operation in operations(description)
        if "security" not in operation
    }
    assert open_to_all == {
        "POST /api/v1/cases/{case_id}/representations",
        "GET /api/v1/programs",
        "GET /api/v1/programs/{program}/{version}",
        "GET /errors/{code}",
        "GET /healthz",
        "GET /readyz",
    }


def test_the_guide_names_every_address(description: dict[str, Any]) -> None:
    """docs/api.md and the description list the same operations."""
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(GET|POST|PUT) (\S+)` \|", text, flags=re.MULTILINE))
    described = {
        (method, path) for method, path, _ in operations(description) if "/acts/" not in path
    }
    assert listed == described | {
        ("POST", "/api/v1/cases/{case_id}/acts/{act}"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
    }


# --- Generated requests ---------------------------------------------------------------------------


class GatewayByRecord(CaseGateway):
    """Judge each act by the record and change nothing: every request meets the same cases."""

    def __init__(self, database: Database, reader: CaseReader) -> None:
        self._own_database = database
        self._own_reader = reader

    async def apply(
        self,
        case_id: str,
        act: Act,
        principal: Principal,
        expected_version: int,
        key: str,
        row: CaseRow | None = None,
    ) -> Taken:
        with self._own_database.reading() as session:
            row = find_case(session, case_id)
        assert row is not None
        case = self._own_reader.case(row)
        judge(case, act, principal.actor, NOW, expected_version)
        digest = ActRequest.of(act, principal.actor).digest
        receipt = ActReceipt(version=row.version + 1, stage=row.stage, at=NOW, digest=digest)
        return Taken(receipt, is_recorded=True)

    async def open(
        self, terms: Terms, act: SubmitApplication, actor: Actor, update_id: str
    ) -> Taken:
        digest = ActRequest.of(act, actor).digest
        stage = Stage.APPLICATION_REVIEW
        receipt = ActReceipt(version=1, stage=stage, at=NOW, digest=digest)
        return Taken(receipt, is_recorded=True)


class EngineAtWork(EngineCalls):
    """Answer that all is well."""

    async def state(self, now: datetime) -> EngineState:
        return EngineState(answers=True, has_worker=True)


EVERYBODY = Actor(
    person="everybody",
    kinds=tuple(kind for kind in ActorKind if kind is not ActorKind.SYSTEM),
    establishment=TERMS.establishment,
)


@pytest.fixture
def everybodys_desk(
    sqlite_database: Database, tmp_path: Path, clock: SetClock, catalog: ProgramCatalog
) -> Iterator[Desk]:
    """Somebody with every role, one case at each of several stages, and no Temporal."""
    own = settings_for(sqlite_database, tmp_path)
    app = create_app(own, now=clock, catalog=catalog)
    parts = app.state.collaborators
    gateway = GatewayByRecord(parts.database, parts.reader)
    app.state.collaborators = replace(parts, gateway=gateway, engine=EngineAtWork(own))
    with TestClient(app) as client:
        desk = Desk(client, own, clock)
        for stage, case_id in CASES.items():
            desk.put_case(stage, case_id)
        yield desk


CASES = {
    Stage.APPLICATION_REVIEW: "eco-generatedaaa",
    Stage.INSPECTION: "eco-generatedbbb",
    Stage.FEEDBACK: "eco-generatedccc",
    Stage.DECISION: "eco-generatedddd",
}


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

_EXAMPLES = 8
"""Requests for each operation and mode; the same ones every time, so that CI judges the change."""


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=str)
def test_no_request_breaks_the_api_or_its_description(
    everybodys_desk: Desk, mode: GenerationMode
) -> None:
    """Valid and invalid requests alike: no 5xx, and only answers that the description names."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", everybodys_desk.app)
    headers = everybodys_desk.headers(EVERYBODY, provinces="*")
    versions = {
        case_id: everybodys_desk.get(f"/api/v1/cases/{case_id}", EVERYBODY).headers["etag"]
        for case_id in CASES.values()
    }
    known = cycle([*versions.items(), None])
    sent: Counter[int] = Counter()

    def send(case: schemathesis.Case) -> None:
        meant = next(known)
        if meant is not None and "case_id" in case.path_parameters:
            # Most go to a case that is there, and to its version if the request names one.
            case.path_parameters["case_id"], tag = meant
            if mode.is_positive and "If-Match" in case.headers:
                case.headers["If-Match"] = tag
        response = case.call(headers=headers)
        case.validate_response(response, checks=CHECKS)
        sent[response.status_code // 100] += 1

    for result in schema.get_all_operations():
        operation = cast(Any, result).ok()
        requests = operation.as_strategy(generation_mode=mode)
        # What takes no parameter cannot be asked wrongly.
        with suppress(Unsatisfiable):
            _bounded(given(case=requests)(send))()
    assert sent[2], sent
    assert sent[4] > 100, sent


_bounded = settings(
    max_examples=_EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=cast(Any, list(HealthCheck)),
    phases=[Phase.generate],
)
