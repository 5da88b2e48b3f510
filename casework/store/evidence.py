"""Files of evidence and exported histories: a folder of contents under their SHA-256.

A file is written beside its place, flushed to the disk and moved there in one step, so that what
stands under a hash is always whole. Who offered which file, and when, is a row in SQL.
"""

import asyncio
import hashlib
import os
import tempfile
from collections.abc import AsyncIterable, Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

import puremagic
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

from casework.domain._model import Frozen
from casework.store._statements import upsert
from casework.store.tables import EvidenceFile

ALLOWED_TYPES = (
    "application/pdf",
    "image/heic",
    "image/jpeg",
    "image/png",
    "image/webp",
)
"""Media types that are taken, by their content."""

_ALSO_CALLED = {"image/heif": "image/heic", "image/jpg": "image/jpeg"}
_SAYS_NOTHING = {"", "application/octet-stream", "binary/octet-stream"}
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEAD = 4096


class FileEmpty(Exception):
    """There is nothing in the file."""


class FileTooLarge(Exception):
    """The file has more than ``most_bytes`` bytes."""

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"more than {most_bytes} bytes")
        self.most_bytes = most_bytes


class FileTypeNotAllowed(Exception):
    """The content is of no allowed type, or of another than its sender said; ``found`` or None."""

    def __init__(self, found: str | None) -> None:
        super().__init__(found or "unknown type")
        self.found = found


class Stored(Frozen):
    """A stored file: what finds it, what it is, and how many bytes it has."""

    sha256: str
    media_type: str
    size: int


class EvidenceStore:
    """Keep files by content. It checks what they are, not what they show."""

    def __init__(self, folder: Path) -> None:
        """Keep files under ``folder``, which is made when the first file comes."""
        self._folder = folder

    async def put(
        self, chunks: AsyncIterable[bytes], declared_type: str | None, most_bytes: int
    ) -> Stored:
        """Take in an upload as it arrives; on any error nothing is kept.

        Args:
            chunks: the content, in pieces.
            declared_type: the media type its sender gave; it has to agree with the content.
            most_bytes: as soon as there are more, reading stops.

        Raises:
            FileEmpty: there was nothing.
            FileTooLarge: there was more than ``most_bytes``.
            FileTypeNotAllowed: see there.
        """
        arriving = await asyncio.to_thread(_Arriving, self._folder, most_bytes)
        with arriving:
            async for chunk in chunks:
                await asyncio.to_thread(arriving.add, chunk)
            return await asyncio.to_thread(arriving.keep, declared_type)

    def put_now(
        self, chunks: Iterable[bytes], declared_type: str | None, most_bytes: int
    ) -> Stored:
        """Do the same as :meth:`put` for content that is here already."""
        with _Arriving(self._folder, most_bytes) as arriving:
            for chunk in chunks:
                arriving.add(chunk)
            return arriving.keep(declared_type)

    def put_bytes(self, content: bytes, media_type: str) -> Stored:
        """Keep content of our own making under the media type we say, such as a history."""
        with _Arriving(self._folder, len(content)) as arriving:
            arriving.add(content)
            return arriving.keep_as(media_type)

    def open(self, sha256: str) -> BinaryIO:
        """Open a file for reading.

        Raises:
            FileNotFoundError: there is none under this hash.
        """
        return _place(self._folder, sha256).open("rb")

    def has(self, sha256: str) -> bool:
        """Say whether there is a file under this hash."""
        try:
            return _place(self._folder, sha256).is_file()
        except FileNotFoundError:
            return False


def add_file(session: Session, stored: Stored, uploaded_by: str, now: datetime) -> None:
    """Note who offered a file first, and when."""
    session.execute(
        upsert(session, EvidenceFile)
        .values(**stored.model_dump(), uploaded_by=uploaded_by, uploaded_at=now)
        .on_conflict_do_nothing()
    )


def find_file(session: Session, sha256: str) -> EvidenceFile | None:
    """Return what is known of a file."""
    return session.get(EvidenceFile, sha256)


def unknown_files(session: Session, hashes: Collection[str]) -> frozenset[str]:
    """Return those of the hashes under which no file is stored. One statement; none for no hash."""
    if not hashes:
        return frozenset()
    stored = select(col(EvidenceFile.sha256)).where(col(EvidenceFile.sha256).in_(sorted(hashes)))
    return frozenset(hashes) - set(session.scalars(stored))


def media_type_of(head: bytes) -> str | None:
    """Return the allowed media type that a file begins like, else what it seems to be, or None."""
    if head[4:8] == b"ftyp":
        # Cameras also write the brand of the format as a compatible one, behind a general one.
        brands = head[8 : min(int.from_bytes(head[:4], "big"), len(head))]
        if any(brands[at : at + 4] in _HEIC_BRANDS for at in range(0, len(brands), 4)):
            return "image/heic"
    try:
        # Its matches are untyped, the best first; some have no media type.
        matches = cast("list[Any]", puremagic.magic_string(head))  # pyright: ignore[reportUnknownMemberType]
    except (puremagic.PureError, ValueError):
        return None
    named = next((str(match.mime_type) for match in matches if match.mime_type), None)
    return _ALSO_CALLED.get(named, named) if named else None


class _Arriving:
    """A file on its way in: written to a temporary file that goes unless it is kept."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._size = 0
        self._hash = hashlib.sha256()
        self._head = b""
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(prefix="arriving-", dir=folder)
        self._file = os.fdopen(descriptor, "wb")
        self._path = Path(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._path.unlink(missing_ok=True)

    def add(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._most_bytes:
            raise FileTooLarge(self._most_bytes)
        if len(self._head) < _HEAD:
            self._head += chunk[: _HEAD - len(self._head)]
        self._hash.update(chunk)
        self._file.write(chunk)

    def keep(self, declared_type: str | None) -> Stored:
        if self._size == 0:
            raise FileEmpty
        found = media_type_of(self._head)
        declared = (declared_type or "").split(";")[0].strip().lower()
        declared = _ALSO_CALLED.get(declared, declared)
        if found not in ALLOWED_TYPES or (declared not in _SAYS_NOTHING and declared != found):
            raise FileTypeNotAllowed(found)
        return self.keep_as(found)

    def keep_as(self, media_type: str) -> Stored:
        sha256 = self._hash.hexdigest()
        self._file.flush()
        os.fsync(self._file.fileno())
        place = _place(self._folder, sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Over a file of the same content, if there is one: nobody notices.
        self._path.replace(place)
        _flush_folder(place.parent)
        return Stored(sha256=sha256, media_type=media_type, size=self._size)


def _place(folder: Path, sha256: str) -> Path:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise FileNotFoundError(sha256)
    return folder / sha256[:2] / sha256


def _flush_folder(folder: Path) -> None:
    # The new name has to reach the disk as well as the content.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
