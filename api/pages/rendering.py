"""How a page is made: templates in two languages, dates as people write them, and strict headers."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.locale import LANGUAGES, translations
from api.pages.assets import asset_url
from casework.domain.calendar import BANGKOK, Language, format_date, last_day, local_date
from casework.domain.line_breaks import keep_repetition, keep_together

TEMPLATES = Path(__file__).parents[1] / "templates"

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""No script at all, nothing inline and nothing from another site."""

PAGE_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
}


def render(template: str, language: Language, path: str, **context: object) -> str:
    """Return a page.

    Args:
        template: its name under ``api/templates``.
        language: the language of the page.
        path: path and query under which the page is found; the links to the same page in the other
            language are made from it if it begins with a language.
        context: what the template names beside that.
    """
    return (
        _environment(language)
        .get_template(template)
        .render(language=language, in_language=_alternates(path), **context)
    )


def html(
    text: str, status: int = 200, *, private: bool = False, headers: Mapping[str, str] | None = None
) -> Response:
    """Wrap a page that is made for one request.

    A ``private`` page is kept by nobody and its address is told to no other site.
    """
    return Response(
        text,
        status_code=status,
        media_type="text/html; charset=utf-8",
        headers={
            **PAGE_HEADERS,
            "Cache-Control": "private, no-store" if private else "no-cache",
            **({"Referrer-Policy": "no-referrer"} if private else {}),
            **(headers or {}),
        },
    )


def see_other(address: str) -> Response:
    """Lead on from a form, to an address that is told to nobody else."""
    return RedirectResponse(
        address,
        status_code=HTTPStatus.SEE_OTHER,
        headers={"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"},
    )


def preferred_language(request: Request) -> Language:
    """Return English if the reader asks for it before Thai, else Thai."""
    wishes: dict[str, float] = {}
    for wish in request.headers.get("accept-language", "").split(",")[:20]:
        name, _, weight = wish.strip().partition(";q=")
        try:
            value = float(weight) if weight else 1.0
        except ValueError:
            value = 0.0
        language = name.strip().lower().split("-")[0]
        wishes[language] = max(value, wishes.get(language, 0.0))
    return "en" if wishes.get("en", 0.0) > wishes.get("th", 0.0) else "th"


def language_of(path: str) -> Language | None:
    """Return the language a path begins with, or None."""
    first = path.lstrip("/").split("/", 1)[0]
    return next((language for language in LANGUAGES if language == first), None)


def _alternates(path: str) -> dict[Language, str]:
    language = language_of(path)
    if language is None:
        return {}
    rest = path.removeprefix(f"/{language}")
    return {other: f"/{other}{rest}" for other in LANGUAGES}


@cache
def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    # To a type checker the filters are of unknown types, and the extension's method is not there.
    open_ended = cast(Any, environment)
    open_ended.install_gettext_callables(*_messages(language), newstyle=True)
    open_ended.filters.update(_filters(language))
    open_ended.globals["asset"] = asset_url
    return environment


def _messages(language: Language) -> tuple[Callable[[str], str], Callable[[str, str, int], str]]:
    """Return what finds a message and what finds one with a plural."""
    words = translations(language)

    def gettext(message: str) -> str:
        return keep_repetition(words.gettext(message))

    def ngettext(singular: str, plural: str, count: int) -> str:
        return keep_repetition(words.ngettext(singular, plural, count))

    return gettext, ngettext


def _filters(language: Language) -> dict[str, object]:
    gettext = translations(language).gettext

    def day(value: date | datetime) -> Markup:
        """Write a day, with its ISO date in the markup."""
        on = local_date(value) if isinstance(value, datetime) else value
        return Markup('<time datetime="{}">{}</time>').format(on, format_date(on, language))

    def moment(value: datetime) -> Markup:
        """Write a day and a time of day in Bangkok."""
        local = value.astimezone(BANGKOK)
        written = gettext("%(day)s, %(time)s") % {
            "day": format_date(local.date(), language),
            "time": local.strftime("%H.%M" if language == "th" else "%H:%M"),
        }
        iso = local.isoformat(timespec="minutes")
        return Markup('<time datetime="{}">{}</time>').format(iso, written)

    def deadline(value: datetime) -> Markup:
        """Write the last day of a period, or its last minute if it does not end with a day."""
        local = value.astimezone(BANGKOK)
        return moment(value) if local.hour or local.minute or local.second else day(last_day(value))

    def number(value: int) -> str:
        """Write a count with a separator for the thousands, which both languages set alike."""
        return f"{value:,}"

    return {
        "day": day,
        "moment": moment,
        "deadline": deadline,
        "number": number,
        "keep_together": keep_together,
    }
