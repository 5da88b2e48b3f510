"""Files: whole or not at all, of the types that are allowed, found by their content."""

import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from casework.store.database import Database
from casework.store.evidence import (
    ALLOWED_TYPES,
    EvidenceStore,
    FileEmpty,
    FileTooLarge,
    FileTypeNotAllowed,
    add_file,
    find_file,
    media_type_of,
    unknown_files,
)
from tests.sample_case import NOW

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
HEADS = {
    "application/pdf": PDF,
    "image/jpeg": b"\xff\xd8\xff\xe1\x00\x10Exif\x00" + bytes(64),
    "image/png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(64),
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8X" + bytes(64),
    "image/heic": b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64),
}
OTHERS = {
    "html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
    "program": b"MZ" + bytes(128),
    "zip": b"PK\x03\x04" + bytes(128),
    "gif": b"GIF89a" + bytes(32),
    "avif": b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avif" + bytes(64),
    "video": b"\x00\x00\x00\x1cftypisom\x00\x00\x00\x00isommp42" + bytes(64),
    "text": b"hello world",
    "nothing known": bytes(range(128, 160)),
    "PDF further down": b"<html>\n%PDF-1.7\n",
}


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    return EvidenceStore(tmp_path / "files")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def arriving(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def test_every_allowed_type_has_an_example_here() -> None:
    assert set(HEADS) == set(ALLOWED_TYPES)


@pytest.mark.parametrize("media_type", HEADS)
async def test_an_allowed_file_is_found_by_its_hash(store: EvidenceStore, media_type: str) -> None:
    content = HEADS[media_type]
    stored = await store.put(arriving(content[:5], content[5:]), media_type, 1000)
    assert (stored.media_type, stored.size) == (media_type, len(content))
    assert stored.sha256 == hashlib.sha256(content).hexdigest()
    assert store.has(stored.sha256)
    with store.open(stored.sha256) as file:
        assert file.read() == content


def test_a_general_heif_with_a_heic_picture_is_heic() -> None:
    head = b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00mif1heic" + bytes(64)
    assert media_type_of(head) == "image/heic"


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("declared", ["application/pdf", None])
async def test_another_file_is_refused_whatever_it_is_called(
    store: EvidenceStore, tmp_path: Path, kind: str, declared: str | None
) -> None:
    with pytest.raises(FileTypeNotAllowed):
        await store.put(arriving(OTHERS[kind]), declared, 1000)
    assert files(tmp_path) == []


async def test_a_file_is_what_its_sender_says_it_is(store: EvidenceStore, tmp_path: Path) -> None:
    with pytest.raises(FileTypeNotAllowed) as refused:
        await store.put(arriving(PDF), "image/png", 1000)
    assert refused.value.found == "application/pdf"
    assert files(tmp_path) == []
    for declared in (None, "", "application/octet-stream", "Application/PDF; charset=binary"):
        assert (await store.put(arriving(PDF), declared, 1000)).media_type == "application/pdf"
    jpeg = arriving(HEADS["image/jpeg"])
    assert (await store.put(jpeg, "image/jpg", 1000)).media_type == "image/jpeg"


async def test_an_empty_file_is_refused(store: EvidenceStore, tmp_path: Path) -> None:
    with pytest.raises(FileEmpty):
        await store.put(arriving(b"", b""), "application/pdf", 1000)
    assert files(tmp_path) == []


async def test_reading_stops_as_soon_as_a_file_is_too_large(
    store: EvidenceStore, tmp_path: Path
) -> None:
    asked: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        for number in range(1_000_000):
            asked.append(number)
            yield PDF

    with pytest.raises(FileTooLarge) as refused:
        await store.put(endless(), "application/pdf", 2 * len(PDF))
    assert refused.value.most_bytes == 2 * len(PDF)
    assert asked == [0, 1, 2]
    assert files(tmp_path) == []
    assert (await store.put(arriving(PDF, PDF), None, 2 * len(PDF))).size == 2 * len(PDF)


async def test_an_upload_that_breaks_off_leaves_nothing(
    store: EvidenceStore, tmp_path: Path
) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield PDF
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put(breaking(), "application/pdf", 1000)
    assert files(tmp_path) == []


async def test_the_same_content_is_kept_once(store: EvidenceStore, tmp_path: Path) -> None:
    first = await store.put(arriving(PDF), "application/pdf", 1000)
    assert store.put_now([PDF[:9], PDF[9:]], "application/pdf", 1000) == first
    assert len(files(tmp_path)) == 1


def test_content_that_is_here_already_is_checked_as_well(
    store: EvidenceStore, tmp_path: Path
) -> None:
    def chunks() -> Iterator[bytes]:
        yield OTHERS["html"]

    with pytest.raises(FileTypeNotAllowed):
        store.put_now(chunks(), "application/pdf", 1000)
    assert files(tmp_path) == []


def test_histories_are_kept_under_the_type_we_say(store: EvidenceStore) -> None:
    stored = store.put_bytes(b'{"events": []}', "application/json")
    assert (stored.media_type, stored.size) == ("application/json", 14)
    with store.open(stored.sha256) as file:
        assert file.read() == b'{"events": []}'


@pytest.mark.parametrize("sha256", ["0" * 64, "../../etc/passwd", "", "A" * 64])
def test_nothing_is_found_under_anything_else(store: EvidenceStore, sha256: str) -> None:
    assert not store.has(sha256)
    with pytest.raises(FileNotFoundError):
        store.open(sha256)


def test_the_first_to_offer_a_file_is_noted(database: Database, store: EvidenceStore) -> None:
    stored = store.put_now([PDF], None, 1000)
    for person in ("inspector-21", "applicant-1"):
        with database.writing() as session:
            add_file(session, stored, person, NOW)
    with database.reading() as session:
        row = find_file(session, stored.sha256)
        assert row is not None
        assert (row.uploaded_by, row.uploaded_at, row.size) == ("inspector-21", NOW, len(PDF))
        assert find_file(session, "0" * 64) is None
        assert unknown_files(session, {stored.sha256, "0" * 64}) == {"0" * 64}
        assert unknown_files(session, ()) == frozenset()
