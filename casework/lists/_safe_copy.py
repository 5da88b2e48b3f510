"""A copy of a workbook that a reader can be given: no larger than it seems, nothing in it out of bounds.

Only the parts that a list needs are copied, uncompressed, into an archive of our own, so that no two zip readers
can disagree about what is in it. On the way every sheet is run through an XML parser that keeps nothing but the
place of the outermost cells. A sheet that goes beyond the limits is replaced by one with a mark in its first cell:
whether it matters is known when that sheet would be read.
"""

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from casework.lists._sheet_extent import SheetExtent
from casework.lists.faults import ListFileError

MOST_PARTS = 5_000
MOST_RATIO = 250
"""Spreadsheets pack their own files to a tenth, a million empty rows to a thirtieth; bombs to a thousandth."""

MOST_UNPACKED = 400_000_000
_SMALL = 16_000_000
_MOST_SHEET = 256_000_000
_MOST_STRINGS = 64_000_000
_MOST_OTHER = 8_000_000
_CHUNK = 1 << 20

_WORKBOOK = "xl/workbook.xml"
_STRINGS = "xl/sharedstrings.xml"
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_NEEDED = re.compile(
    r"\[content_types\]\.xml|_rels/\.rels|xl/[^/]+\.xml|xl/_rels/[^/]+\.rels|xl/worksheets/[^/]+\.xml"
)
_MARK = "casework:unreadable-sheet:"
_MARKED_SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>{mark}</t></is></c></row></sheetData></worksheet>'
)


@dataclass(slots=True)
class Measured:
    """What was seen while copying: counts over all sheets, and the sheets that were left out."""

    without_result: int = 0
    errors: int = 0
    unreadable: list[ListFileError] = field(default_factory=list[ListFileError])

    def refuse_if_unreadable(self, first_cell: str) -> None:
        """Raise why a sheet was left out, if this is the first cell of one that was."""
        number = first_cell.removeprefix(_MARK)
        if number != first_cell and number.isdecimal() and int(number) < len(self.unreadable):
            raise self.unreadable[int(number)]


def safe_copy(archive: zipfile.ZipFile, copy: Path, *, packed: int) -> Measured:
    """Write the copy.

    Raises:
        ListFileError: ``not-a-list`` for another archive, ``zip-bomb`` for one that is too heavy.
        Exception: what the zip reader and the XML parser raise on damaged files.
    """
    parts = archive.infolist()
    names = {part.filename.lower() for part in parts}
    if len(parts) > MOST_PARTS or len(names) < len(parts):
        raise _bomb("it has too many parts, or two of the same name")
    if _WORKBOOK not in names:
        raise ListFileError(
            "not-a-list",
            "This is an archive, but not a workbook. Save the list as an Excel workbook (.xlsx) or “CSV UTF-8”.",
        )
    unpacked = sum(part.file_size for part in parts)
    if unpacked > MOST_UNPACKED or unpacked > max(_SMALL, MOST_RATIO * packed):
        raise _bomb(f"{packed:,} bytes unpack to {unpacked:,}")
    measured = Measured()
    with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as target:
        for part in parts:
            if not _NEEDED.fullmatch(part.filename.lower()):
                continue
            if _SHEET.fullmatch(part.filename.lower()):
                _copy_sheet(archive, part, target, measured)
            else:
                _copy_other(archive, part, target)
    return measured


def _bomb(why: str) -> ListFileError:
    return ListFileError("zip-bomb", f"The workbook is not opened: {why}.")


def _copy_sheet(
    archive: zipfile.ZipFile, part: zipfile.ZipInfo, target: zipfile.ZipFile, measured: Measured
) -> None:
    extent = SheetExtent()
    try:
        if part.file_size > _MOST_SHEET:
            raise _bomb(f"a sheet has {part.file_size:,} bytes")
        for chunk in _chunks(archive, part):
            extent.add(chunk)
        extent.finish()
    except ListFileError as error:
        mark = f"{_MARK}{len(measured.unreadable)}"
        measured.unreadable.append(error)
        target.writestr(part.filename, _MARKED_SHEET.format(mark=mark))
        return
    measured.without_result += extent.without_result
    measured.errors += extent.errors
    with target.open(part.filename, "w") as file:
        for chunk in _chunks(archive, part):
            file.write(chunk)


def _copy_other(archive: zipfile.ZipFile, part: zipfile.ZipInfo, target: zipfile.ZipFile) -> None:
    most = _MOST_STRINGS if part.filename.lower() == _STRINGS else _MOST_OTHER
    if part.file_size > most:
        raise _bomb(f"{part.filename} has {part.file_size:,} bytes")
    content = archive.read(part)
    # No spreadsheet program declares a document type, and no part but a sheet holds a sheet's cells.
    if b"<!DOCTYPE" in content or b"sheetData>" in content:
        raise _bomb(f"{part.filename} is not what its name says")
    target.writestr(part.filename, content)


def _chunks(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    # Python's reader never gives more of a part than the archive's directory says.
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            yield chunk
