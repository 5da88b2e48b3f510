"""Who sends a request: bearer tokens (JWT), the keys that sign them, and a local issuer for demos.

In production an OpenID Connect provider issues the tokens and this module reads its key set. It owns what a
token must hold and who it then speaks for; it does not own what that person may do
(:mod:`casework.domain.policy`, :mod:`casework.domain.decide`).
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import httpx2
import structlog
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import DictKey, ECKey, KeySet, KeySetSerialization
from pydantic import ValidationError

from casework.domain.actors import SYSTEM, ActorKind
from casework.domain.policy import Principal
from casework.identity._key_files import KeyFileTooOpen, read_keys, write_first_keys
from casework.identity.revocation import Revoked
from casework.settings import Settings

ALGORITHMS = ("ES256", "ES384", "Ed25519", "PS256", "RS256")
"""Signatures that are accepted. All take a public key, so a key set can never serve as a shared secret."""

LEEWAY_SECONDS = 30
"""How far the issuer's clock may differ from ours."""

MOST_CHARACTERS_OF_A_TOKEN = 8192
"""A longer token is refused unread."""

KEYS_STAY_FRESH_SECONDS = 300.0
"""A key that the issuer took out of its set stops working after this long, or after a third of the time for
which a key set counts if that is shorter."""

BETWEEN_REFRESHES_SECONDS = 10.0
"""Tokens with invented key ids make us ask the issuer no more often than this."""

TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
"""What a token may say that it is (``typ``), in upper or lower case."""

_MOST_BYTES_OF_A_KEY_SET = 256 * 1024
_KINDS = {kind.value: kind for kind in ActorKind if kind is not ActorKind.SYSTEM}
"""Roles that a token can give. Nobody becomes the engine itself by a token."""
_log = structlog.get_logger(__name__)


class TokenInvalid(Exception):
    """The token speaks for nobody. The message says why and quotes nothing of the token."""


class TokenExpired(TokenInvalid):
    """The token was good until a while ago."""


class KeysUnavailable(Exception):
    """No key set could be read, so that no token can be told good or bad."""


# --- The local issuer -----------------------------------------------------------------------------


def issuer_key(key_file: Path) -> ECKey:
    """Return the private key of the local issuer; the first call makes the file, readable by its owner alone.

    Raises:
        KeyFileTooOpen: the file can be read by group or others.
    """
    if not key_file.exists():
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        write_first_keys(key_file, key.as_dict(private=True))
    return ECKey.import_key(cast(DictKey, read_keys(key_file)))


def issue_token(
    settings: Settings,
    person: str,
    roles: Iterable[ActorKind],
    *,
    provinces: Collection[str] = (),
    programs: Collection[str] = "*",
    establishment: str | None = None,
    lifetime_seconds: int = 12 * 60 * 60,
    now: Callable[[], float] = time.time,
) -> str:
    """Sign a token with the local issuer's key, for demos, tests and the command line.

    Args:
        settings: issuer, audience and the key file.
        person: opaque reference of the person (``sub``).
        roles: the parts in which the person may act.
        provinces: province codes, or ``"*"`` for all.
        programs: programs, or ``"*"`` for all.
        establishment: the establishment an applicant acts for.
        lifetime_seconds: how long the token is good.
        now: the present in seconds since 1970.
    """
    key = issuer_key(settings.issuer_key_file)
    issued_at = int(now())
    claims: dict[str, object] = {
        "iss": settings.token_issuer,
        "aud": settings.token_audience,
        "sub": person,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + lifetime_seconds,
        "jti": secrets.token_hex(8),
        "roles": [role.value for role in roles],
        "provinces": "*" if provinces == "*" else sorted(provinces),
        "programs": "*" if programs == "*" else sorted(programs),
    }
    if establishment is not None:
        claims["establishment"] = establishment
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims, key, algorithms=["ES256"])


# --- Where the keys come from ---------------------------------------------------------------------


class KeySource(Protocol):
    """A place that holds the issuer's key set."""

    def read(self) -> KeySet:
        """Return the key set as it is now; raises :class:`KeysUnavailable`."""
        ...


class LocalIssuerKeys:
    """The public half of the local issuer's key."""

    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def read(self) -> KeySet:
        """Return the one key, made now if there is none yet."""
        try:
            key = issuer_key(self._key_file)
        except (OSError, ValueError, JoseError, KeyFileTooOpen) as error:
            raise KeysUnavailable(f"The local issuer has no key: {error}") from error
        return KeySet([ECKey.import_key(key.as_dict(private=False))])


class FileKeys:
    """A JWK set in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> KeySet:
        """Read the file."""
        try:
            return _key_set(self._path.read_bytes())
        except OSError as error:
            raise KeysUnavailable(f"The key set {self._path} cannot be read.") from error


class UrlKeys:
    """A JWK set at an https address. Redirects are not followed: the address is the trust."""

    def __init__(self, url: str, client: httpx2.Client | None = None) -> None:
        if not url.startswith("https://"):
            raise ValueError("a key set comes from an https address or a file")
        self._url = url
        self._client = client or httpx2.Client(timeout=5.0, follow_redirects=False)

    def read(self) -> KeySet:
        """Fetch the set."""
        try:
            response = self._client.get(self._url, headers={"Accept": "application/json"})
            response.raise_for_status()
        except httpx2.HTTPError as error:
            raise KeysUnavailable("The issuer's key set cannot be fetched.") from error
        return _key_set(response.content)


def key_source(settings: Settings) -> KeySource:
    """Return where the settings say the keys are."""
    if settings.token_keys is None:
        return LocalIssuerKeys(settings.issuer_key_file)
    if "://" in settings.token_keys:
        return UrlKeys(settings.token_keys)
    return FileKeys(Path(settings.token_keys))


def look_at_keys(settings: Settings) -> str:
    """Return what the key set holds, for who looks whether the parts work; changes nothing.

    Raises:
        KeysUnavailable: it cannot be read, or holds no key.
        ValueError: the settings name neither an https address nor a file.
    """
    if settings.token_keys is None:
        return "the local issuer signs tokens: for trying out only"
    keys = key_source(settings).read().keys
    return f"{len(keys)} keys at {settings.token_keys}"


def _key_set(content: bytes) -> KeySet:
    if len(content) > _MOST_BYTES_OF_A_KEY_SET:
        raise KeysUnavailable("The key set is too long.")
    try:
        parsed = json.loads(content)
        # A symmetric key in a public set would be a secret that everybody knows.
        # A key for encryption verifies nothing.
        keys = [
            key
            for key in parsed["keys"]
            if key.get("kty") != "oct" and key.get("use", "sig") == "sig"
        ]
        if not keys:
            raise KeysUnavailable("The key set holds no key that verifies a signature.")
        return KeySet.import_key_set(cast(KeySetSerialization, {"keys": keys}))
    except (ValueError, KeyError, TypeError, AttributeError, JoseError) as error:
        raise KeysUnavailable("The key set is not a JWK set.") from error


# --- Verification ---------------------------------------------------------------------------------


class TokenVerifier:
    """Tell whom a token speaks for. Blocks when it has to read keys.

    An issuer that is away for a moment locks nobody out: the keys that were read last count on, and
    are asked for again every ten seconds. After the time of the settings they count no more, and
    nobody is let in until the issuer is back.
    """

    def __init__(
        self,
        keys: KeySource,
        issuer: str,
        audience: str,
        now: Callable[[], float] = time.time,
        *,
        revoked: Callable[[], Revoked] = Revoked,
        keys_good_seconds: float = 15 * 60,
        longest_seconds: float = 24 * 60 * 60,
    ) -> None:
        """Keep what a good token says.

        Args:
            keys: where the issuer's keys are.
            issuer: the expected ``iss``.
            audience: the expected ``aud``.
            now: the present in seconds since 1970.
            revoked: returns who is shut out; asked for each token.
            keys_good_seconds: how long a key set counts after it was last read.
            longest_seconds: the longest life of a token.
        """
        self._source = keys
        self._now = now
        self._revoked = revoked
        self._good_seconds = keys_good_seconds
        self._fresh_seconds = min(KEYS_STAY_FRESH_SECONDS, keys_good_seconds / 3)
        self._longest_seconds = longest_seconds
        self._claims = jwt.JWTClaimsRegistry(
            now=lambda: int(now()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
        )
        self._keys: KeySet | None = None
        self._read_at = self._tried_at = float("-inf")
        self._lock = threading.Lock()

    @classmethod
    def of(
        cls,
        settings: Settings,
        now: Callable[[], float] = time.time,
        revoked: Callable[[], Revoked] = Revoked,
    ) -> "TokenVerifier":
        """Make the verifier that the settings describe; without ``revoked`` nobody is shut out."""
        return cls(
            key_source(settings),
            settings.token_issuer,
            settings.token_audience,
            now,
            revoked=revoked,
            keys_good_seconds=settings.token_keys_good_seconds,
            longest_seconds=settings.token_longest_seconds,
        )

    def verify(self, token: str) -> Principal:
        """Return the principal of a token.

        Raises:
            TokenInvalid: signature, type, algorithm, issuer, audience, time or claims are not in order,
                or the token or its person was shut out.
            TokenExpired: it was good until a while ago.
            KeysUnavailable: there is no key set to judge by.
        """
        if len(token) > MOST_CHARACTERS_OF_A_TOKEN:
            raise TokenInvalid("the token is too long")
        try:
            decoded = jwt.decode(token, self._key_for(token), algorithms=list(ALGORITHMS))
            self._claims.validate(decoded.claims)
        except ExpiredTokenError as error:
            raise TokenExpired("the token has expired") from error
        except JoseError as error:
            raise TokenInvalid(f"{error.error.replace('_', ' ')}") from error
        except (ValueError, TypeError, UnicodeError) as error:
            raise TokenInvalid("it is not a signed JSON Web Token") from error
        self._check_bounds(decoded.header, decoded.claims)
        principal = _principal(decoded.claims)
        if self._revoked().covers(
            principal.person, decoded.claims.get("jti"), float(decoded.claims["iat"])
        ):
            raise TokenInvalid("it was revoked")
        return principal

    def keys_age(self) -> float:
        """Return how many seconds ago the key set was read, after an attempt to read an old one again.

        Infinite if it never could be read.
        """
        with suppress(KeysUnavailable):
            self._known_keys(self._fresh_seconds)
        return self._now() - self._read_at

    def _check_bounds(self, header: Mapping[str, object], claims: Mapping[str, object]) -> None:
        if str(header.get("typ")).lower() not in TYPES:
            raise TokenInvalid("typ is neither JWT nor at+jwt")
        life = cast(float, claims["exp"]) - cast(float, claims["iat"])
        if not 0 < life <= self._longest_seconds:
            raise TokenInvalid(f"it lives longer than {self._longest_seconds} seconds")

    def _key_for(self, token: str) -> KeySet:
        """Return the key set, read again if it is old or does not know the key of this token."""
        header = jws.extract_compact(token.encode()).headers()
        keys = self._known_keys(self._fresh_seconds)
        try:
            keys.get_by_kid(header.get("kid"))
        except InvalidKeyIdError:
            keys = self._known_keys(BETWEEN_REFRESHES_SECONDS)
        return keys

    def _known_keys(self, no_older_than: float) -> KeySet:
        # While one thread waits for the issuer, the others go on with keys that still count.
        if self._should_ask(no_older_than) and self._lock.acquire(
            blocking=not self._is_younger(self._good_seconds)
        ):
            try:
                if self._should_ask(no_older_than):
                    self._ask()
            finally:
                self._lock.release()
        if self._keys is None or not self._is_younger(self._good_seconds):
            raise KeysUnavailable("The key set could not be read for too long.")
        return self._keys

    def _should_ask(self, no_older_than: float) -> bool:
        waited = self._now() - self._tried_at
        return not self._is_younger(no_older_than) and not 0 <= waited < BETWEEN_REFRESHES_SECONDS

    def _is_younger(self, seconds: float) -> bool:
        # A clock that was set back makes a key set old, not young for ever.
        return 0 <= self._now() - self._read_at < seconds

    def _ask(self) -> None:
        self._tried_at = self._now()
        try:
            self._keys = self._source.read()
        except KeysUnavailable as error:
            age = self._now() - self._read_at
            left = max(0.0, self._good_seconds - age)
            _log.error("token_keys_unreadable", reason=str(error), tokens_count_for_seconds=left)
        else:
            self._read_at = self._now()


def _principal(claims: Mapping[str, object]) -> Principal:
    roles = claims.get("roles", [])
    if not isinstance(roles, list):
        raise TokenInvalid("roles is not a list")
    # Providers put roles of other systems beside ours; only the ones we know count.
    named = {role for role in cast(list[object], roles) if isinstance(role, str)}
    kinds = tuple(kind for value, kind in _KINDS.items() if value in named)
    if claims["sub"] == SYSTEM.person:
        raise TokenInvalid("sub names the engine itself")
    fields = {"person": claims["sub"], "kinds": kinds}
    for name in ("provinces", "programs", "establishment"):
        if claims.get(name) is not None:
            fields[name] = claims[name]
    try:
        return Principal.model_validate(fields)
    except ValidationError as error:
        wrong = sorted({str(e["loc"][0]) for e in error.errors()})
        raise TokenInvalid(
            f"{', '.join('sub' if name == 'person' else name for name in wrong)} not as agreed"
        ) from error
