"""The table of ``docs/notices.md``, made from the catalogue.

``python -m casework.notices.overview docs/notices.md`` writes it anew; a test says when that is due.
"""

import sys
from pathlib import Path

from casework.notices.catalogue import NOTICES, NoticeRule, Party
from casework.notices.visit_file import WITH_FILE

BEGIN = "<!-- begin of the table -->"
END = "<!-- end of the table -->"

_HEAD = "| notice | event | when | to | language | channel |\n|---|---|---|---|---|---|\n"

_LANGUAGES = {
    Party.APPLICANT: "the contact's",
    Party.AUTHORS: "the one they wrote in",
    Party.COMMUNITIES: "the one named for it, else Thai",
    Party.HOLDER: "the reader's",
}
_OF_STAFF = "Thai; English if all of them chose it"


def table() -> str:
    """Return the table in Markdown: a line for each notice and party."""
    return _HEAD + "".join(_line(rule, party) for rule in NOTICES for party in rule.to)


def with_table(page: str) -> str:
    """Return the page with the table in its place.

    Raises:
        ValueError: the page does not say where the table belongs.
    """
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"the table stands between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table()}\n{END}{after}"


def _line(rule: NoticeRule, party: Party) -> str:
    if rule.event is None:
        event, when = "(stored by the API)", "A representation is stored, to its author alone."
    else:
        event, when = f"`{rule.event.__name__}`", rule.when.__doc__ or ""
    channel = "e-mail with a calendar file" if rule.slug in WITH_FILE else "e-mail"
    language = _LANGUAGES.get(party, _OF_STAFF)
    return f"| `{rule.slug}` | {event} | {when} | {party} | {language} | {channel} |\n"


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(with_table(file.read_text(encoding="utf-8")), encoding="utf-8")
