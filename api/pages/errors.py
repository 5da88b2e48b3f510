"""Errors for people: a page in both languages, where the API would answer with a problem document."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from api.locale import LANGUAGES, translations
from api.pages.rendering import html, language_of, preferred_language, render
from casework.domain.calendar import Language


def error_page(
    request: Request,
    status: int,
    headers: Mapping[str, str] | None = None,
    *,
    demonstration: bool = False,
) -> Response:
    """Return the page for an error, in the language of the address or of the reader.

    Args:
        request: what was asked for; nothing of it is repeated on the page.
        status: 404 and 503 have words of their own, all others share some.
        headers: further response headers, such as ``Retry-After``.
        demonstration: whether to say that nothing here is real.
    """
    path = request.url.path
    language = language_of(path) or preferred_language(request)
    words = {other: _words(status, other) for other in LANGUAGES}
    text = render(
        "error.html.jinja",
        language,
        path if language_of(path) else "",
        demonstration=demonstration,
        heading={other: heading for other, (heading, _) in words.items()},
        advice={other: advice for other, (_, advice) in words.items()},
    )
    return html(text, status, headers={**(headers or {}), "Vary": "Accept, Accept-Language"})


def _words(status: int, language: Language) -> tuple[str, str]:
    gettext = translations(language).gettext
    if status == HTTPStatus.NOT_FOUND:
        return gettext("There is no such page"), gettext(
            "The address may be mistyped or incomplete. Certified establishments are never removed "
            "from the register: search for the name."
        )
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return gettext("The register does not answer at the moment"), gettext(
            "What was sent before is safe. Please try again in a few minutes."
        )
    return gettext("Something went wrong"), gettext(
        "What you asked for could not be done. Please try again; if it happens again, contact the "
        "provincial industry office."
    )
