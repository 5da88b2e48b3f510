"""Links to a prefilled application: signed, for one contact of one case, and good until the response date.

The key is derived from the private key of the local issuer, which worker and API share. A link is no
bearer token and can never become one: its key signs nothing else, and no verifier of tokens knows it.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casework.domain._model import Ref
from casework.identity.tokens import issuer_key
from casework.settings import Settings

MOST_CHARACTERS_OF_A_LINK = 1024
"""A longer one is refused unread."""

_PURPOSE = b"casework invitation links 1"
_ALGORITHM = "HS256"


class InvitationInvalid(Exception):
    """The link is none of ours, or was altered. The message quotes nothing of it."""


class InvitationExpired(InvitationInvalid):
    """The link was good until its due date; ``invitation`` says whose it was."""

    def __init__(self, invitation: "Invitation") -> None:
        super().__init__("the invitation is over")
        self.invitation = invitation


class Invitation(BaseModel):
    """What a link says: references only, nothing personal. ``exp`` is in seconds since 1970 (UTC)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    case: Ref
    contact: Ref
    establishment: Ref
    exp: Annotated[int, Field(gt=0)]

    @classmethod
    def until(
        cls, due_at: datetime, *, case: str, contact: str, establishment: str
    ) -> "Invitation":
        """Return the invitation of a contact that is good until the case's due date."""
        exp = int(due_at.timestamp())
        return cls(case=case, contact=contact, establishment=establishment, exp=exp)

    @property
    def due_at(self) -> datetime:
        """Return the instant at which the link stops working."""
        return datetime.fromtimestamp(self.exp, UTC)


class InvitationLinks:
    """Sign and read links. Blocks at the first use, when it reads the key. Safe to share between threads."""

    def __init__(self, key_file: Path) -> None:
        """Keep where the local issuer's private key is."""
        self._key_file = key_file
        self._key: OctKey | None = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> "InvitationLinks":
        """Return the links of this installation."""
        return cls(settings.issuer_key_file)

    def sign(self, invitation: Invitation) -> str:
        """Return the part of the link that says whose invitation it is."""
        header = {"alg": _ALGORITHM}
        return jwt.encode(header, invitation.model_dump(), self._secret(), algorithms=[_ALGORITHM])

    def read(self, token: str, now: Callable[[], datetime]) -> Invitation:
        """Return whose invitation it is.

        Raises:
            InvitationInvalid: it was not signed here.
            InvitationExpired: it was, and its time is over.
        """
        if len(token) > MOST_CHARACTERS_OF_A_LINK:
            raise InvitationInvalid("the link is too long")
        try:
            claims = jwt.decode(token, self._secret(), algorithms=[_ALGORITHM]).claims
            invitation = Invitation.model_validate(claims)
        except (JoseError, ValidationError, ValueError, TypeError) as error:
            raise InvitationInvalid("the link was not signed here") from error
        if invitation.due_at <= now():
            raise InvitationExpired(invitation)
        return invitation

    def _secret(self) -> OctKey:
        with self._lock:
            if self._key is None:
                private = issuer_key(self._key_file).as_dict(private=True)["d"]
                derived = hmac.digest(str(private).encode("ascii"), _PURPOSE, hashlib.sha256)
                self._key = OctKey.import_key(derived)
            return self._key
