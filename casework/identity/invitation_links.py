"""Links to a prefilled application: signed, for one contact of one case, and good until the response date.

Their keys are in a file of their own, which worker and API share. A link names its key, so that another
one can take over while the links under the old one run out. A link is no bearer token and can never
become one: its keys sign nothing else, and no verifier of tokens knows them.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casework.domain._model import Ref
from casework.identity._key_files import (
    read_keys,
    replace_keys,
    write_first_keys,
)
from casework.settings import Settings

MOST_CHARACTERS_OF_A_LINK = 1024
"""A longer one is refused unread."""

OLD_KEYS_COUNT = timedelta(days=180)
"""How long links under a key count after another took over; no response date is that far away."""

_ALGORITHM = "HS256"
_BYTES_OF_A_KEY = 32
_TYPE = "casework-link"


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


class LinkKey(BaseModel):
    """One key. ``until`` is the last second (UTC, since 1970) at which a link under it counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kid: str
    k: str
    until: int | None = None

    @classmethod
    def new(cls) -> "LinkKey":
        """Make one."""
        made = OctKey.generate_key(_BYTES_OF_A_KEY * 8, auto_kid=True).as_dict()
        return cls(kid=str(made["kid"])[:16], k=str(made["k"]))

    @property
    def secret(self) -> OctKey:
        """Return it as it signs."""
        return OctKey.import_key({"kty": "oct", "k": self.k})


class LinkKeys(BaseModel):
    """What the file holds; the first key signs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keys: Annotated[tuple[LinkKey, ...], Field(min_length=1)]

    def rotated(self, now: datetime, *, forget: bool) -> "LinkKeys":
        """Return these keys behind a new one, without those that are over; with ``forget`` the new one alone."""
        until = int((now + OLD_KEYS_COUNT).timestamp())
        old = (key.model_copy(update={"until": key.until or until}) for key in self.keys)
        kept = tuple(key for key in old if key.until and key.until > now.timestamp())
        return LinkKeys(keys=(LinkKey.new(), *(() if forget else kept)))


class InvitationLinks:
    """Sign and read links. Reads the key file again when it has changed. Safe to share between threads."""

    def __init__(self, key_file: Path) -> None:
        """Keep where the keys are; the first use makes them."""
        self._key_file = key_file
        self._keys: LinkKeys | None = None
        self._seen: tuple[int, int] | None = None
        self._lock = threading.Lock()

    @classmethod
    def of(cls, settings: Settings) -> "InvitationLinks":
        """Return the links of this installation."""
        return cls(settings.link_keys_file)

    def sign(self, invitation: Invitation) -> str:
        """Return the part of the link that says whose invitation it is."""
        key = self._current().keys[0]
        header = {"alg": _ALGORITHM, "kid": key.kid, "typ": _TYPE}
        return jwt.encode(header, invitation.model_dump(), key.secret, algorithms=[_ALGORITHM])

    def read(self, token: str, now: Callable[[], datetime]) -> Invitation:
        """Return whose invitation it is.

        Raises:
            InvitationInvalid: it was not signed here, or by a key that counts no more.
            InvitationExpired: it was, and its time is over.
        """
        if len(token) > MOST_CHARACTERS_OF_A_LINK:
            raise InvitationInvalid("the link is too long")
        try:
            named = jws.extract_compact(token.encode()).headers()
            key = next(key for key in self._current().keys if key.kid == named.get("kid"))
            claims = jwt.decode(token, key.secret, algorithms=[_ALGORITHM]).claims
            invitation = Invitation.model_validate(claims)
        except StopIteration:
            raise InvitationInvalid("no key of ours signed the link") from None
        except (JoseError, ValidationError, ValueError, TypeError) as error:
            raise InvitationInvalid("the link was not signed here") from error
        if key.until is not None and max(invitation.exp, now().timestamp()) > key.until:
            raise InvitationInvalid("the key of the link counts no more")
        if invitation.due_at <= now():
            raise InvitationExpired(invitation)
        return invitation

    def rotate(self, now: datetime, *, forget: bool = False) -> int:
        """Let a new key sign from now on, and return how many keys count.

        Args:
            now: the present (UTC).
            forget: drop the old keys, and with them every link that is out: for keys that others know.
        """
        rotated = self._current().rotated(now, forget=forget)
        replace_keys(self._key_file, rotated.model_dump())
        return len(rotated.keys)

    def _current(self) -> LinkKeys:
        with self._lock:
            if not self._key_file.exists():
                write_first_keys(self._key_file, LinkKeys(keys=(LinkKey.new(),)).model_dump())
            state = self._key_file.stat()
            seen = (state.st_ino, state.st_mtime_ns)
            if self._keys is None or seen != self._seen:
                self._keys, self._seen = LinkKeys.model_validate(read_keys(self._key_file)), seen
            return self._keys
