"""Tokens: whom they speak for, and everything that makes them speak for nobody."""

import base64
import hmac
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from casework.domain.actors import ActorKind
from casework.identity._key_files import KeyFileTooOpen
from casework.identity.revocation import BETWEEN_READINGS_SECONDS, RevocationList, Revoked
from casework.identity.tokens import (
    BETWEEN_REFRESHES_SECONDS,
    KEYS_STAY_FRESH_SECONDS,
    FileKeys,
    KeysUnavailable,
    TokenExpired,
    TokenInvalid,
    TokenVerifier,
    UrlKeys,
    issue_token,
    issuer_key,
    key_source,
)
from casework.settings import Settings

NOW = 1_795_000_000.0
ISSUER = "https://issuer.example/realms/casework"


class Time:
    """Seconds since 1970, as far as a test lets them go."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, state_folder=tmp_path)  # pyright: ignore[reportCallIssue]


@pytest.fixture
def verifier(settings: Settings, time: Time) -> TokenVerifier:
    return TokenVerifier.of(settings, time)


class Provider:
    """An OpenID Connect provider: keys it signs with, and how often they were asked for."""

    def __init__(self) -> None:
        self.keys = [ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True)]
        self.asked = 0
        self.answers = True

    def handle(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if not self.answers:
            return httpx2.Response(500)
        public = KeySet([ECKey.import_key(k.as_dict(private=False)) for k in self.keys])
        return httpx2.Response(200, json=public.as_dict())

    def verifier(self, time: Time) -> TokenVerifier:
        client = httpx2.Client(transport=httpx2.MockTransport(self.handle))
        return TokenVerifier(
            UrlKeys("https://issuer.example/jwks", client), ISSUER, "casework", time
        )

    def sign(self, key: ECKey | None = None, **changed: Any) -> str:
        key = key or self.keys[-1]
        header = {"alg": "ES256", "kid": key.kid}
        return jwt.encode(header, claims(iss=ISSUER, **changed), key, algorithms=["ES256"])


def claims(**changed: Any) -> dict[str, Any]:
    """Return claims that are in order but for what is changed; None takes a claim away."""
    good = {
        "iss": "casework-local",
        "aud": "casework",
        "sub": "officer-21",
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
        "roles": ["officer"],
        "provinces": ["21"],
        **changed,
    }
    return {name: value for name, value in good.items() if value is not None}


def signed(settings: Settings, **changed: Any) -> str:
    """Sign claims with the local issuer's key."""
    key = issuer_key(settings.issuer_key_file)
    return jwt.encode({"alg": "ES256", "kid": key.kid}, claims(**changed), key)


def test_a_token_of_the_local_issuer_says_who_where_and_in_which_part(
    settings: Settings, verifier: TokenVerifier, time: Time
) -> None:
    token = issue_token(
        settings,
        "officer-21",
        [ActorKind.OFFICER, ActorKind.INSPECTOR],
        provinces=["21", "22"],
        programs=["eco-network"],
        now=time,
    )
    principal = verifier.verify(token)
    assert principal.person == "officer-21"
    assert set(principal.kinds) == {ActorKind.OFFICER, ActorKind.INSPECTOR}
    assert principal.provinces == {"21", "22"}
    assert principal.programs == {"eco-network"}
    assert principal.establishment is None


def test_an_applicant_is_bound_to_one_establishment(
    settings: Settings, verifier: TokenVerifier, time: Time
) -> None:
    token = issue_token(settings, "a-1", [ActorKind.APPLICANT], establishment="est-1", now=time)
    principal = verifier.verify(token)
    assert principal.establishment == "est-1"
    assert principal.provinces == frozenset()


def test_the_private_key_is_made_once_and_is_its_owners_alone(settings: Settings) -> None:
    first = issuer_key(settings.issuer_key_file)
    assert stat.S_IMODE(settings.issuer_key_file.stat().st_mode) == 0o600
    assert issuer_key(settings.issuer_key_file).as_dict() == first.as_dict()
    assert os.listdir(settings.issuer_key_file.parent) == [settings.issuer_key_file.name]


def test_a_private_key_that_others_can_read_is_not_used(settings: Settings) -> None:
    issuer_key(settings.issuer_key_file)
    settings.issuer_key_file.chmod(0o640)
    with pytest.raises(KeyFileTooOpen, match="chmod 600"):
        issuer_key(settings.issuer_key_file)


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "somebody-else"},
        {"iss": None},
        {"aud": "another-api"},
        {"aud": ["another-api"]},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"nbf": int(NOW) + 120},
        {"iat": int(NOW) + 120},
        {"iat": None},
        {"exp": int(NOW) + 24 * 3600 + 1},
        {"exp": 10**30},
        {"iat": int(NOW) - 23 * 3600, "exp": int(NOW) + 2 * 3600},
        {"exp": int(NOW) - 10, "iat": int(NOW)},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "somchai@example.org"},
        {"sub": "system"},
        {"roles": "officer"},
        {"provinces": ["twenty-one"]},
        {"provinces": "21"},
        {"programs": 3},
        {"establishment": "no reference"},
    ],
    ids=str,
)
def test_a_token_with_a_wrong_claim_speaks_for_nobody(
    settings: Settings, verifier: TokenVerifier, changed: dict[str, Any]
) -> None:
    with pytest.raises(TokenInvalid):
        verifier.verify(signed(settings, **changed))


def test_a_token_for_several_audiences_is_good_if_ours_is_among_them(
    settings: Settings, verifier: TokenVerifier
) -> None:
    assert verifier.verify(signed(settings, aud=["another-api", "casework"])).person == "officer-21"


def test_a_token_expires_after_a_little_leeway(
    settings: Settings, verifier: TokenVerifier, time: Time
) -> None:
    token = signed(settings)
    time.now = NOW + 3600 + 29
    assert verifier.verify(token).person == "officer-21"
    time.now = NOW + 3600 + 31
    with pytest.raises(TokenExpired):
        verifier.verify(token)


def test_roles_of_other_systems_do_not_count_and_nobody_is_the_engine(
    settings: Settings, verifier: TokenVerifier
) -> None:
    token = signed(settings, roles=["offline_access", "system", "reviewer", 7])
    assert verifier.verify(token).kinds == (ActorKind.REVIEWER,)


def test_without_roles_a_token_is_somebody_who_may_do_nothing(
    settings: Settings, verifier: TokenVerifier
) -> None:
    principal = verifier.verify(signed(settings, roles=None))
    assert principal.kinds == ()
    assert not principal.is_staff


def _part(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def _json_part(value: object) -> str:
    return _part(json.dumps(value).encode())


def _unsigned(settings: Settings) -> str:
    return f"{_json_part({'alg': 'none'})}.{_json_part(claims())}."


def _with_the_public_key_as_secret(settings: Settings) -> str:
    # By hand: the library refuses to make such a token.
    key = issuer_key(settings.issuer_key_file)
    text = f"{_json_part({'alg': 'HS256', 'kid': key.kid})}.{_json_part(claims())}"
    signature = hmac.digest(key.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{_part(signature)}"


def _of_another_key(settings: Settings) -> str:
    issuer_key(settings.issuer_key_file)
    other = ECKey.generate_key("P-256", auto_kid=True)
    return jwt.encode({"alg": "ES256", "kid": other.kid}, claims(), other)


def _of_another_key_under_our_key_id(settings: Settings) -> str:
    other = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "kid": issuer_key(settings.issuer_key_file).kid}
    return jwt.encode(header, claims(), other)


def _of_another_kind_of_key(settings: Settings) -> str:
    other = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "kid": issuer_key(settings.issuer_key_file).kid}
    return jwt.encode(header, claims(), other, algorithms=["RS256"])


def _changed(settings: Settings) -> str:
    head, _, signature = signed(settings).split(".")
    return f"{head}.{_json_part(claims(roles=['supervisor']))}.{signature}"


def _critical(settings: Settings) -> str:
    key = issuer_key(settings.issuer_key_file)
    token = signed(settings)
    head = _json_part({"alg": "ES256", "kid": key.kid, "crit": ["b64"], "b64": False})
    return head + token[token.index(".") :]


@pytest.mark.parametrize(
    "forged",
    [
        _unsigned,
        _with_the_public_key_as_secret,
        _of_another_key,
        _of_another_key_under_our_key_id,
        _of_another_kind_of_key,
        _changed,
        _critical,
    ],
)
def test_a_forged_token_speaks_for_nobody(
    settings: Settings, verifier: TokenVerifier, forged: Callable[[Settings], str]
) -> None:
    with pytest.raises(TokenInvalid):
        verifier.verify(forged(settings))


@pytest.mark.parametrize(
    "text", ["", ".", "..", "x.y.z", "{}", "a" * 9000, "ก", "e30.e30.e30", "\ud800", "W10.e30.AA"]
)
def test_what_is_no_token_is_refused_without_a_stack_trace(
    verifier: TokenVerifier, text: str
) -> None:
    with pytest.raises(TokenInvalid):
        verifier.verify(text)


def test_a_token_whose_body_is_no_object_speaks_for_nobody(
    settings: Settings, verifier: TokenVerifier
) -> None:
    key = issuer_key(settings.issuer_key_file)
    for body in ("[]", "7", "nothing"):
        token = jws.serialize_compact({"alg": "ES256", "kid": key.kid}, body, key)
        with pytest.raises(TokenInvalid):
            verifier.verify(token)


# --- Keys of a provider ---------------------------------------------------------------------------


def test_the_keys_of_a_provider_are_fetched_once(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    for _ in range(3):
        assert verifier.verify(provider.sign()).person == "officer-21"
    assert provider.asked == 1


def test_a_new_key_is_found_when_a_token_names_it(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    verifier.verify(provider.sign())
    provider.keys.append(ECKey.generate_key("P-256", auto_kid=True))
    time.now += BETWEEN_REFRESHES_SECONDS
    assert verifier.verify(provider.sign()).person == "officer-21"
    assert provider.asked == 2


def test_invented_key_ids_do_not_make_us_ask_again_and_again(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    verifier.verify(provider.sign())
    for _ in range(20):
        stranger = ECKey.generate_key("P-256", auto_kid=True)
        with pytest.raises(TokenInvalid):
            verifier.verify(provider.sign(stranger))
    assert provider.asked == 1


def test_a_key_that_the_provider_withdrew_stops_working(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    old = provider.sign(exp=int(NOW) + 7200)
    verifier.verify(old)
    provider.keys = [ECKey.generate_key("P-256", auto_kid=True)]
    time.now += KEYS_STAY_FRESH_SECONDS
    with pytest.raises(TokenInvalid):
        verifier.verify(old)


def test_a_provider_that_is_away_for_a_while_locks_nobody_out(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    verifier.verify(provider.sign())
    provider.answers = False
    time.now += KEYS_STAY_FRESH_SECONDS
    assert verifier.verify(provider.sign(iat=int(time.now))).person == "officer-21"


def test_without_keys_no_token_can_be_judged(time: Time) -> None:
    provider = Provider()
    provider.answers = False
    with pytest.raises(KeysUnavailable):
        provider.verifier(time).verify(provider.sign())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [{"kty": "EC"}]}']
)
def test_what_is_no_key_set_is_no_key_set(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    with pytest.raises(KeysUnavailable):
        FileKeys(path).read()


def test_a_shared_secret_in_a_key_set_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "s"}]}))
    with pytest.raises(KeysUnavailable):
        FileKeys(path).read()


def test_keys_come_from_https_or_a_file_and_from_nowhere_else(settings: Settings) -> None:
    with pytest.raises(ValueError, match="https"):
        key_source(settings.model_copy(update={"token_keys": "http://issuer.example/jwks"}))
    assert isinstance(
        key_source(settings.model_copy(update={"token_keys": "https://issuer.example/jwks"})),
        UrlKeys,
    )
    missing = key_source(settings.model_copy(update={"token_keys": "no-such-file.json"}))
    with pytest.raises(KeysUnavailable):
        missing.read()


def test_with_a_provider_the_local_issuer_counts_no_more(
    settings: Settings, time: Time, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    other = ECKey.generate_key("P-256", auto_kid=True)
    path.write_text(json.dumps(KeySet([other]).as_dict(private=False)))
    verifier = TokenVerifier.of(settings.model_copy(update={"token_keys": str(path)}), time)
    with pytest.raises(TokenInvalid):
        verifier.verify(signed(settings))


@pytest.mark.parametrize("kind", ["JWT", "jwt", "at+jwt", "application/at+jwt"])
def test_a_token_says_that_it_is_one(
    settings: Settings, verifier: TokenVerifier, kind: str
) -> None:
    assert verifier.verify(typed(settings, kind)).person == "officer-21"


@pytest.mark.parametrize("kind", [None, "", "logout+jwt", "dpop+jwt", "casework-link"])
def test_something_else_that_the_issuer_signed_is_no_token(
    settings: Settings, verifier: TokenVerifier, kind: str | None
) -> None:
    with pytest.raises(TokenInvalid, match="typ"):
        verifier.verify(typed(settings, kind))


def typed(settings: Settings, kind: str | None) -> str:
    key = issuer_key(settings.issuer_key_file)
    header = {"alg": "ES256", "kid": key.kid, **({} if kind is None else {"typ": kind})}
    return jws.serialize_compact(header, json.dumps(claims()), key)


# --- Keys that cannot be read any more ------------------------------------------------------------


def test_without_the_issuer_tokens_count_for_a_stated_time_and_no_longer(time: Time) -> None:
    """A quarter of an hour after the keys were last read nobody gets in, until the issuer is back."""
    provider = Provider()
    verifier = provider.verifier(time)
    token = provider.sign(exp=int(NOW) + 20 * 3600)
    verifier.verify(token)
    provider.answers = False
    time.now = NOW + 15 * 60 - 1
    verifier.verify(token)
    time.now = NOW + 15 * 60
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)
    assert verifier.keys_age() == 15 * 60
    provider.answers = True
    time.now += BETWEEN_REFRESHES_SECONDS
    assert verifier.verify(token).person == "officer-21"
    assert verifier.keys_age() == 0


def test_an_issuer_that_is_away_is_asked_every_ten_seconds(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    verifier.verify(provider.sign())
    provider.answers = False
    time.now += KEYS_STAY_FRESH_SECONDS
    for _ in range(5):
        verifier.verify(provider.sign(iat=int(time.now)))
    assert provider.asked == 2
    time.now += BETWEEN_REFRESHES_SECONDS
    verifier.verify(provider.sign(iat=int(time.now)))
    assert provider.asked == 3


def test_an_empty_key_set_counts_as_one_that_cannot_be_read(time: Time) -> None:
    """It does not lock everybody out at once, and nobody gets in by it."""
    provider = Provider()
    verifier = provider.verifier(time)
    token = provider.sign(exp=int(NOW) + 20 * 3600)
    verifier.verify(token)
    provider.keys = []
    time.now = NOW + KEYS_STAY_FRESH_SECONDS
    verifier.verify(token)
    time.now = NOW + 15 * 60
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)


def test_a_clock_that_was_set_back_makes_no_key_young_for_ever(time: Time) -> None:
    provider = Provider()
    verifier = provider.verifier(time)
    token = provider.sign(exp=int(NOW) + 20 * 3600)
    verifier.verify(token)
    provider.answers = False
    time.now = NOW - 20
    with pytest.raises(KeysUnavailable):
        verifier.verify(token)


def test_a_key_for_encryption_is_no_key(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = ECKey.generate_key("P-256", {"use": "enc"}, auto_kid=True)
    path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    with pytest.raises(KeysUnavailable, match="no key"):
        FileKeys(path).read()


# --- Revocation -----------------------------------------------------------------------------------


def test_a_revoked_token_speaks_for_nobody_and_the_next_one_does(
    settings: Settings, time: Time
) -> None:
    verifier = TokenVerifier.of(settings, time, lambda: Revoked(tokens=frozenset({"stolen"})))
    with pytest.raises(TokenInvalid, match="revoked"):
        verifier.verify(signed(settings, jti="stolen"))
    assert verifier.verify(signed(settings, jti="next")).person == "officer-21"
    assert verifier.verify(signed(settings)).person == "officer-21"


def test_letting_a_person_in_again_does_not_revive_old_tokens(
    settings: Settings, time: Time
) -> None:
    revoked = Revoked({"officer-21": None})
    verifier = TokenVerifier.of(settings, time, lambda: revoked)
    with pytest.raises(TokenInvalid, match="revoked"):
        verifier.verify(signed(settings))
    assert verifier.verify(signed(settings, sub="officer-22")).person == "officer-22"
    revoked = Revoked({"officer-21": NOW})
    with pytest.raises(TokenInvalid, match="revoked"):
        verifier.verify(signed(settings))
    time.now += 1
    assert verifier.verify(signed(settings, iat=int(NOW) + 1)).person == "officer-21"


def test_the_list_is_read_every_five_seconds_and_outlives_a_database_that_is_away(
    time: Time,
) -> None:
    read: list[float] = []
    is_away = True

    def from_database() -> Revoked:
        if is_away:
            raise OSError("away")
        read.append(time())
        return Revoked(tokens=frozenset({"stolen"}))

    known = RevocationList(from_database, time)
    with pytest.raises(OSError, match="away"):
        known()
    is_away = False
    for _ in range(3):
        assert known().tokens == {"stolen"}
    assert read == [NOW]
    time.now += BETWEEN_READINGS_SECONDS
    known()
    assert len(read) == 2
    is_away = True
    time.now += BETWEEN_READINGS_SECONDS
    assert known().tokens == {"stolen"}
