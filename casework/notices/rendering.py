"""Turn a template and a context into subject, text and HTML.

One source per language. It is rendered twice: as it stands for the text part, and with every value
escaped for the HTML part, so that what a person wrote can be neither markup nor a link there.
The HTML part also says where Thai may not break; the text part stays as it was written.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, TemplateError, TemplateNotFound
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from casework.domain.calendar import Language
from casework.domain.line_breaks import keep_together
from casework.notices.faults import NotComposable
from casework.notices.unlinked import unlinked

_PACKAGE = "casework.notices"
_SUBJECT = "Subject: "
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
"""All of ASCII's, each of which a backslash takes its meaning (CommonMark, 2.4)."""

_HIDDEN = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Marks that turn the direction of text around, with which an address can be made to look like another."""

# Nothing but what the templates use: no image, heading, code or HTML. Only a button is a link with a
# text of its own.
_RULES = ("autolink", "blockquote", "escape", "hr", "link", "list", "newline")


@dataclass(frozen=True)
class Rendered:
    """A notice in words. The text part is the Markdown source of the HTML part, values unescaped."""

    subject: str
    text: str
    html: str


class _Ready(str):
    """Text that was made fit for its place and is not escaped once more."""

    __slots__ = ()


def render(slug: str, language: Language, context: Mapping[str, Any]) -> Rendered:
    """Render a notice.

    Raises:
        NotComposable: there is no such template, or it asks for what the context does not have.
    """
    try:
        subject, text = _write(_plain(), slug, language, context)
        _, source = _write(_escaped(), slug, language, context)
    except TemplateNotFound as missing:
        raise NotComposable(f"There is no template {missing.name}.") from missing
    except (TemplateError, TypeError) as fault:
        raise NotComposable(f"The template {slug}/{language} is at fault: {fault}") from fault
    page = _layout().render(
        language=language,
        title=subject,
        subject=keep_together(subject),
        sender=keep_together(line(context["office"])),
        css=Markup(_css()),  # noqa: S704 (our own file)
        body=Markup(_markdown().render(keep_together(source))),  # noqa: S704 (values are escaped, HTML is off)
    )
    return Rendered(subject=subject, text=text, html=_inliner().inline(page))


def line(value: object) -> str:
    """Return a value as one line without control characters and without hidden marks."""
    return " ".join(_clean(value).split())


def _write(
    environment: Environment, slug: str, language: Language, context: Mapping[str, Any]
) -> tuple[str, str]:
    """Return subject and source."""
    written = environment.get_template(f"{slug}/{language}.md.jinja").render(context)
    first, _, body = written.partition("\n")
    if not first.startswith(_SUBJECT):
        raise TypeError("its first line is not the subject")
    frame = environment.get_template(f"_frame/{language}.md.jinja")
    source = frame.render(context, body=_Ready(body.strip()))
    return line(first.removeprefix(_SUBJECT)), re.sub(r"\n{3,}", "\n\n", source).strip() + "\n"


def _clean(value: object) -> str:
    text = str(value)  # What is undefined raises here and says its name.
    if not isinstance(value, str | int):
        raise TypeError(f"{value!r} is not text")
    text = _HIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        " "
        if unicodedata.category(character) in {"Cc", "Zl", "Zp"} and character != "\n"
        else character
        for character in text
    )


def _escape(text: str) -> str:
    return _PUNCTUATION.sub(r"\\\1", text)


def _link(label: str, value: str) -> str:
    return f"[{label}](<{value}>)"


def _labeled(label: str, value: str) -> str:
    return f"{label}: <{value}>"


def _as_it_stands(text: str) -> str:
    return text


def _environment(
    escape: Callable[[str], str], write_link: Callable[[str, str], str]
) -> Environment:
    def finalize(value: object) -> str:
        return value if isinstance(value, _Ready) else escape(unlinked(line(value)))

    def quote(value: object) -> _Ready:
        """Set what an office wrote apart, line by line."""
        lines = (escape(" ".join(each.split())) for each in _clean(value).strip().split("\n"))
        return _Ready("\n".join(f"> {each}".rstrip() for each in lines))

    def address(value: str) -> _Ready:
        """Let an address of our own stand as a link; only :class:`Addresses` makes them."""
        return _Ready(f"<{value}>")

    def mailbox(value: str) -> _Ready:
        """Let the address of an officer, whom the reader may write to, stand as it is."""
        return _Ready(escape(line(value)))

    def button(value: str, label: str) -> _Ready:
        """Let an address of our own, too long to be read, stand behind its label."""
        return _Ready(write_link(label, value))

    environment = Environment(  # noqa: S701 (the source is Markdown; `escape` does what is needed)
        loader=PackageLoader(_PACKAGE, "templates"),
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Any] = {
        "quote": quote,
        "address": address,
        "button": button,
        "mailbox": mailbox,
    }
    cast("dict[str, Any]", environment.filters).update(filters)  # pyright: ignore[reportUnknownMemberType]
    return environment


@cache
def _plain() -> Environment:
    return _environment(_as_it_stands, _labeled)


@cache
def _escaped() -> Environment:
    return _environment(_escape, _link)


@cache
def _layout() -> Any:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "templates/_layout"),
        undefined=StrictUndefined,
        autoescape=True,
    )
    return environment.get_template("mail.html.jinja")


@cache
def _css() -> str:
    return (files(_PACKAGE) / "templates" / "_layout" / "mail.css").read_text(encoding="utf-8")


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("zero", {"html": False, "breaks": True}).enable(list(_RULES))
    markdown.add_render_rule("link_open", _open_link)
    return markdown


def _open_link(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, _: EnvType
) -> str:
    """Mark a link with a text of its own as a button."""
    if tokens[index].info != "auto":
        tokens[index].attrJoin("class", "button")
    return renderer.renderToken(tokens, index, options, {})


@cache
def _inliner() -> CSSInliner:
    # The rules for dark mode and narrow screens stay; nothing is ever loaded.
    return CSSInliner(
        keep_at_rules=True,
        load_remote_stylesheets=False,
        minify_css=True,
        remove_inlined_selectors=True,
    )
