"""The one rule for e-mail addresses: an address that is taken can be written to."""

from functools import lru_cache
from typing import Annotated

from email_validator import EmailNotValidError, ValidatedEmail, validate_email
from pydantic import AfterValidator, Field, StringConstraints


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
    found = _validated(text)
    # Without SMTPUTF8 every address has this form.
    return found.ascii_email or found.normalized


# A row of a list is checked as a cell and then as a part of its site; that costs 0.15 ms each time.
@lru_cache(maxsize=256)
def _validated(text: str) -> ValidatedEmail:
    try:
        return validate_email(text, allow_smtputf8=False, check_deliverability=False, strict=True)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    AfterValidator(email_of),
    Field(json_schema_extra={"format": "email"}),
]
"""An e-mail address that can be written to; see :func:`email_of`."""
