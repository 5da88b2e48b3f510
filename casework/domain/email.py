"""The one rule for e-mail addresses: an address that is taken can be written to."""

import re
from functools import lru_cache
from typing import Annotated, NamedTuple

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, StringConstraints

_LONGEST = 254
_LONGEST_LOCAL = 64
_PLAIN = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""What most addresses have before the @: it stands in any address, at any domain."""


class _Written(NamedTuple):
    normalized: str
    ascii_form: str


def email_of(text: str) -> str:
    """Return an address in its one form: the domain in small letters and in its own script.

    It is plain, without a name or angle brackets around it. Before the @ stand ASCII letters alone,
    because few mail servers take others; the domain may be in any script. Names that the Internet
    keeps for other uses (``localhost``, ``.local``, ``.test``, ``.invalid``) receive no mail. Nothing
    is looked up.

    Raises:
        ValueError: nobody can be written to at this address; the text says why.
    """
    return _validated(text).normalized


def is_email(text: str) -> bool:
    """Say whether this is an address that can be written to."""
    try:
        email_of(text)
    except ValueError:
        return False
    return True


def ascii_email_of(text: str) -> str:
    """Return an address as mail servers take it, with ``xn--`` for a domain in another script.

    Raises:
        ValueError: nobody can be written to at this address.
    """
    return _validated(text).ascii_form


def _validated(text: str) -> _Written:
    local, _, domain = text.rpartition("@")
    if len(local) <= _LONGEST_LOCAL and _PLAIN.fullmatch(local):
        known = _plain_at(domain)
        if len(local) + len(known.ascii_form) < _LONGEST:
            return _Written(f"{local}@{known.normalized}", f"{local}@{known.ascii_form}")
    return _checked(text)


# Nine tenths of a check (0.15 ms) are about the domain, and in a list of 50,000 rows domains come again and again.
@lru_cache(maxsize=4096)
def _plain_at(domain: str) -> _Written:
    found = _checked(f"x@{domain}")
    return _Written(found.normalized[2:], found.ascii_form[2:])


def _checked(text: str) -> _Written:
    try:
        found = validate_email(text, allow_smtputf8=False, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    # Without SMTPUTF8 every address has a form in ASCII.
    return _Written(found.normalized, found.ascii_email or found.normalized)


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=_LONGEST),
    AfterValidator(email_of),
    Field(json_schema_extra={"format": "email"}),
]
"""An e-mail address that can be written to; see :func:`email_of`."""
