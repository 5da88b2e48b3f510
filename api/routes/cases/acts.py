"""One route for each act of the table, so that the API's description names each with its body."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from api.collaborators import Parts
from api.http.openapi import ETAG, problems
from api.http.preconditions import ExpectedVersion, IdempotencyKey, JsonBody, etag
from api.http.sizes import require_short_act
from api.routes.cases.access import VisibleCase
from api.routes.cases.examples import EXAMPLES_OF_ACTS
from api.routes.cases.receipts import RECORD_FOLLOWS, say_that_record_follows
from api.routes.cases.references import require_references
from api.routes.cases.views import ActApplied
from api.security import CurrentPrincipal
from casework.domain.acts import ACTS, Act, InviteEstablishment
from casework.domain.openness import ACT_RULES

ACTS_OF_PEOPLE = tuple(act for act in ACTS.values() if act is not InviteEstablishment)
"""Every act but the one that only a drive does."""

_Endpoint = Callable[..., Coroutine[Any, Any, ActApplied]]


def _endpoint(kind: type[Act]) -> _Endpoint:
    async def perform(
        parts: Parts,
        principal: CurrentPrincipal,
        row: VisibleCase,
        version: ExpectedVersion,
        key: IdempotencyKey,
        response: Response,
        act: Act,
    ) -> ActApplied:
        require_short_act(act)
        await require_references(parts.database, row, act)
        taken = await parts.gateway.apply(row.case_id, act, principal, version, key, row)
        receipt = taken.receipt
        response.headers["ETag"] = etag(receipt.version)
        if not taken.is_recorded:
            say_that_record_follows(response, row.case_id)
        return ActApplied(
            case=row.case_id,
            act=kind.slug,
            version=receipt.version,
            stage=receipt.stage,
            at=receipt.at,
            recorded=taken.is_recorded,
        )

    perform.__annotations__["act"] = Annotated[kind, Body(openapi_examples=EXAMPLES_OF_ACTS[kind])]
    return perform


def _description(kind: type[Act]) -> str:
    rule = ACT_RULES[kind]
    who, stages = (", ".join(f"`{name}`" for name in names) for names in (rule.who, rule.stages))
    return f"{kind.__doc__}\n\nFor: {who}. Open at: {stages}."


def _routes() -> APIRouter:
    router = APIRouter(prefix="/api/v1/cases/{case_id}/acts", tags=["acts"])
    for kind in ACTS_OF_PEOPLE:
        name = kind.__name__
        router.add_api_route(
            f"/{kind.slug}",
            _endpoint(kind),
            methods=["POST"],
            operation_id=name[0].lower() + name[1:],
            summary=name,
            description=_description(kind),
            dependencies=[JsonBody],
            responses={
                200: {"description": "The receipt.", "headers": ETAG},
                202: RECORD_FOLLOWS,
                **problems(400, 401, 403, 404, 409, 412, 413, 415, 428, 429),
            },
        )
    return router


router = _routes()
