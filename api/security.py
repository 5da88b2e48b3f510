"""Who may call a route, said in its signature: a parameter of these types is the permission."""

from typing import Annotated, Any

import structlog
from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.collaborators import Parts
from api.http.errors import Problem, not_found
from api.http.fields import is_ref
from casework.domain.actors import ActorKind
from casework.domain.policy import Principal
from casework.identity.tokens import KeysUnavailable, TokenExpired, TokenInvalid

_BEARER = HTTPBearer(
    bearerFormat="JWT",
    scheme_name="bearer",
    description="A token of the configured issuer: sub, roles, provinces, programs, establishment.",
    auto_error=False,
)
_log = structlog.get_logger(__name__)


def _current_principal(
    parts: Parts, bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_BEARER)]
) -> Principal:
    if bearer is None:
        raise Problem("token-required", "Send Authorization: Bearer <token>.")
    try:
        return parts.verifier.verify(bearer.credentials)
    except TokenExpired as error:
        raise Problem("token-expired", "The token has expired.") from error
    except TokenInvalid as error:
        raise Problem("token-invalid", f"The token is not valid: {error}.") from error
    except KeysUnavailable as error:
        # Where the keys are is for the operator, not for whoever sent a token.
        _log.error("token_keys_unavailable", reason=str(error))
        raise Problem("token-keys-unavailable", "The key set cannot be read.") from error


CurrentPrincipal = Annotated[Principal, Depends(_current_principal)]
"""Anybody with a valid token."""


async def _principal_with_a_part(principal: CurrentPrincipal) -> Principal:
    if not principal.kinds:
        raise Problem("role-required", "This is for people who have a part in a case.")
    return principal


PrincipalWithAPart = Annotated[Principal, Depends(_principal_with_a_part)]
"""Anybody who may do something: a token without roles only says who somebody is."""


async def _staff_principal(principal: CurrentPrincipal) -> Principal:
    if not principal.is_staff:
        raise Problem("role-required", "This is for the staff of the ministry and its offices.")
    return principal


StaffPrincipal = Annotated[Principal, Depends(_staff_principal)]
"""Somebody who works for the ministry or a provincial office."""


def only_for(what: str, *kinds: ActorKind) -> Any:
    """Return the dependency that lets these kinds of people through; ``what`` is theirs alone."""

    async def principal_of_kind(principal: CurrentPrincipal) -> Principal:
        if not set(kinds) & set(principal.kinds):
            raise Problem("role-required", f"{what} are for: {', '.join(kinds)}.")
        return principal

    return Depends(principal_of_kind)


ApplicantPrincipal = Annotated[Principal, only_for("Applications", ActorKind.APPLICANT)]
"""Somebody who acts for an establishment, or is about to."""


def well_formed(text: str) -> str:
    """Return the id of a case or drive that may be looked up; a malformed one is as unknown as any other."""
    if not is_ref(text):
        raise not_found()
    return text
