"""The words of the pages in Thai and English: gettext catalogs, read from their PO files.

PO files are read when the first page is rendered (a few milliseconds), so that there is no compiled
file that could be missing from a checkout or older than its source.
"""

from functools import cache
from gettext import GNUTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from casework.domain.calendar import Language

FOLDER = Path(__file__).parent
LANGUAGES: tuple[Language, ...] = ("th", "en")


@cache
def translations(language: Language) -> GNUTranslations:
    """Return the catalog of a language; message ids are the English texts."""
    with (FOLDER / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    return GNUTranslations(compiled)
