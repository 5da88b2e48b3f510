"""Links of invitations: signed, for one contact of one case, and good until the due date."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey

from casework.domain.actors import ActorKind
from casework.identity.invitation_links import (
    OLD_KEYS_COUNT,
    Invitation,
    InvitationExpired,
    InvitationInvalid,
    InvitationLinks,
)
from casework.identity.tokens import TokenInvalid, TokenVerifier, issue_token, issuer_key
from casework.settings import Settings
from tests.sample_case import NOW


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_construct(state_folder=tmp_path)


INVITATION = Invitation.until(
    NOW + timedelta(days=30),
    case="eco-k3v9a2q7m4tz",
    contact="con-k3v9a2q7m4tz",
    establishment="est-k3v9a2q7m4tz",
)


def test_a_link_says_whose_invitation_it_is_in_every_process(settings: Settings) -> None:
    """Worker and API share the key file and nothing else."""
    token = InvitationLinks.of(settings).sign(INVITATION)
    assert InvitationLinks.of(settings).read(token, lambda: NOW) == INVITATION
    assert len(token) < 400


def test_a_link_is_good_until_its_last_second(settings: Settings) -> None:
    links = InvitationLinks.of(settings)
    token = links.sign(INVITATION)
    assert links.read(token, lambda: INVITATION.due_at - timedelta(seconds=1))
    with pytest.raises(InvitationExpired) as over:
        links.read(token, lambda: INVITATION.due_at)
    assert over.value.invitation == INVITATION


def test_a_link_with_one_letter_changed_is_none(settings: Settings) -> None:
    links = InvitationLinks.of(settings)
    token = links.sign(INVITATION)
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        changed = token[:place] + other + token[place + 1 :]
        # The last letter of a part has bits that no byte takes.
        if token[place + 1 : place + 2] in {"", "."}:
            continue
        with pytest.raises(InvitationInvalid):
            links.read(changed, lambda: NOW)


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b.c", "é", "x" * 2000, "eyJhbGciOiJub25lIn0.e30."]
)
def test_what_is_no_link_is_none(settings: Settings, token: str) -> None:
    with pytest.raises(InvitationInvalid):
        InvitationLinks.of(settings).read(token, lambda: NOW)


def test_a_link_signed_elsewhere_or_for_something_else_is_none(
    settings: Settings, tmp_path: Path
) -> None:
    links = InvitationLinks.of(settings)
    elsewhere = InvitationLinks(tmp_path / "other.jwk.json").sign(INVITATION)
    raw = OctKey.import_key(str(issuer_key(settings.issuer_key_file).as_dict(private=True)["d"]))
    links.sign(INVITATION)
    (kid,) = kids(settings)
    underived = jwt.encode(
        {"alg": "HS256", "kid": kid}, INVITATION.model_dump(), raw, algorithms=["HS256"]
    )
    bearer = issue_token(settings, "somebody", [ActorKind.APPLICANT])
    for token in (elsewhere, underived, bearer):
        with pytest.raises(InvitationInvalid):
            links.read(token, lambda: NOW)


def test_a_link_is_no_bearer_token(settings: Settings) -> None:
    token = InvitationLinks.of(settings).sign(INVITATION)
    with pytest.raises(TokenInvalid):
        TokenVerifier.of(settings).verify(token)


# --- Another key takes over -----------------------------------------------------------------------


def kids(settings: Settings) -> list[str]:
    return [key["kid"] for key in json.loads(settings.link_keys_file.read_text())["keys"]]


def test_a_link_names_its_key_and_outlives_its_rotation(settings: Settings) -> None:
    """Worker and API see the new key at once, and links that are out stay good until their date."""
    worker, api = InvitationLinks.of(settings), InvitationLinks.of(settings)
    old = worker.sign(INVITATION)
    assert api.read(old, lambda: NOW) == INVITATION
    assert InvitationLinks.of(settings).rotate(NOW) == 2
    new = worker.sign(INVITATION)
    named = [jws.extract_compact(token.encode()).headers()["kid"] for token in (new, old)]
    assert named == kids(settings)
    for token in (new, old):
        assert api.read(token, lambda: NOW) == INVITATION
        with pytest.raises(InvitationExpired):
            api.read(token, lambda: INVITATION.due_at)


def test_an_old_key_makes_no_links_for_ever(settings: Settings) -> None:
    """Who has a copy of it cannot sign a link that outlives the time of the key."""
    links = InvitationLinks.of(settings)
    late = links.sign(INVITATION.model_copy(update={"exp": 4_000_000_000}))
    assert links.read(late, lambda: NOW)
    links.rotate(NOW)
    with pytest.raises(InvitationInvalid):
        links.read(late, lambda: NOW)
    links.rotate(NOW + OLD_KEYS_COUNT + timedelta(days=1))
    assert len(kids(settings)) == 2, "the first key is gone, the second and the third are there"


def test_a_key_that_others_know_is_forgotten_with_its_links(settings: Settings) -> None:
    links = InvitationLinks.of(settings)
    token = links.sign(INVITATION)
    assert links.rotate(NOW, forget=True) == 1
    with pytest.raises(InvitationInvalid):
        links.read(token, lambda: NOW)
    assert stat.S_IMODE(settings.link_keys_file.stat().st_mode) == 0o600
