"""Files: taken for what they are, kept once, given back as attachments."""

import hashlib
from collections.abc import Iterator

import pytest

from api.routes.cases.references import evidence_in
from casework.domain import acts as a
from casework.domain.stages import Stage
from tests.api.desk import PDF, Desk, pointers, problem
from tests.sample_case import APPLICANT, INSPECTOR, NOW, OFFICER, TERMS

PATH = "/api/v1/evidence"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + b"\x00" * 40


def kept(desk: Desk) -> list[str]:
    """Return the names of all files under the folder, temporary ones too."""
    folder = desk.settings.files_folder
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_found_by_its_hash(desk: Desk) -> None:
    """Staff get it back byte by byte, to be saved and not to be shown."""
    answer = desk.post(
        PATH, who=APPLICANT, content=PDF, headers={"Content-Type": "application/pdf"}
    )
    sha256 = hashlib.sha256(PDF).hexdigest()
    assert answer.status_code == 201
    assert answer.json() == {"sha256": sha256, "media_type": "application/pdf", "size": len(PDF)}
    assert answer.headers["location"] == f"{PATH}/{sha256}"
    file = desk.get(f"{PATH}/{sha256}", OFFICER)
    assert file.content == PDF
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["content-disposition"] == f'attachment; filename="{sha256[:16]}.pdf"'
    assert file.headers["x-content-type-options"] == "nosniff"
    assert file.headers["content-security-policy"].startswith("sandbox")


def test_the_same_file_is_kept_once_whoever_sends_it(desk: Desk) -> None:
    assert desk.upload(APPLICANT) == desk.upload(INSPECTOR)
    assert len(kept(desk)) == 1


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"", "application/pdf", 422, "file-empty"),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "image/svg+xml",
            415,
            "file-type-not-allowed",
        ),
        (b"<html><script>1</script>", "text/html", 415, "file-type-not-allowed"),
        (b"<html><script>1</script>", "application/pdf", 415, "file-type-not-allowed"),
        (b"MZ\x90\x00" + b"\x00" * 60, "image/png", 415, "file-type-not-allowed"),
        (PDF, "image/png", 422, "file-type-mismatch"),
        (PNG, "application/pdf", 422, "file-type-mismatch"),
        (PDF, "text/html", 415, "file-type-not-allowed"),
        (PDF + b"x" * 4096, "application/pdf", 413, "file-too-large"),
    ],
)
def test_what_is_not_taken_leaves_nothing_behind(
    desk: Desk, content: bytes, kind: str, status: int, code: str
) -> None:
    """Not the file, not a part of it, not a row."""
    answer = desk.post(PATH, who=APPLICANT, content=content, headers={"Content-Type": kind})
    problem(answer, status, code)
    assert kept(desk) == []
    path = f"{PATH}/{hashlib.sha256(content).hexdigest()}"
    problem(desk.get(path, OFFICER), 404, "not-found")


def test_a_stream_without_a_length_is_counted_while_it_comes(desk: Desk) -> None:
    """Reading stops at the bound, however long the sender goes on."""
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield PDF
        for _ in range(1000):
            sent += 1
            yield b"x" * 1024

    headers = {"Content-Type": "application/pdf"}
    problem(
        desk.post(PATH, who=APPLICANT, content=pieces(), headers=headers), 413, "file-too-large"
    )
    assert kept(desk) == []


def test_only_staff_fetch_files(desk: Desk) -> None:
    """An applicant sends files and does not browse those of others."""
    sha256 = desk.upload(APPLICANT)
    problem(desk.get(f"{PATH}/{sha256}", APPLICANT), 403, "role-required")
    problem(desk.get(f"{PATH}/{sha256}"), 401, "token-required")


@pytest.mark.parametrize("name", ["0" * 64, "0" * 63, "Z" * 64, "..%2F..%2Fissuer.jwk.json", "%00"])
def test_a_hash_that_is_none_finds_nothing(desk: Desk, name: str) -> None:
    problem(desk.get(f"{PATH}/{name}", OFFICER), 404, "not-found")


def test_exported_histories_are_no_evidence(desk: Desk) -> None:
    """They are in the same folder, and in no row of uploaded files."""
    stored = desk.parts.files.put_bytes(b"{}", "application/json")
    problem(desk.get(f"{PATH}/{stored.sha256}", OFFICER), 404, "not-found")


# --- Named in acts --------------------------------------------------------------------------------


def test_each_file_an_act_names_has_to_be_there(desk: Desk) -> None:
    """The answer points at those that are not, wherever in the act they stand."""
    desk.put_case(Stage.INSPECTION)
    there, missing = desk.upload(INSPECTOR), "ab" * 32
    body = {
        "visited_at": NOW.isoformat(),
        "findings": [
            {"criterion": "EN-01", "grade": "conformity", "evidence": [there]},
            {"criterion": "EN-02", "grade": "conformity", "evidence": [there, missing]},
            {"criterion": "EN-03", "grade": "conformity", "evidence": [missing]},
        ],
    }
    answer = desk.act("file-inspection", body, INSPECTOR, version=3)
    found = problem(answer, 422, "evidence-unknown")
    assert pointers(found) == ["/findings/1/evidence/1", "/findings/2/evidence/0"]


def test_files_are_found_in_an_act_of_any_shape() -> None:
    """By the type of the field, so that an act of tomorrow needs no code here."""
    one, two, three = "aa" * 32, "bb" * 32, "cc" * 32
    act = a.ResubmitApplication(
        answers=(
            a.AnsweredItem(
                item="map", answer="x", documents=(a.Evidence(file=one, title="dd" * 32),)
            ),
            a.AnsweredItem(item="plan", answer=two, documents=(a.Evidence(file=three, title="t"),)),
        )
    )
    assert dict(evidence_in(act)) == {
        "/answers/0/documents/0/file": one,
        "/answers/1/documents/0/file": three,
    }
    corrected = a.SubmitCorrectiveAction(
        actions=(a.CorrectiveAction(criterion="C", action="x", evidence=(one, two)),)
    )
    assert [pointer for pointer, _ in evidence_in(corrected)] == [
        "/actions/0/evidence/0",
        "/actions/0/evidence/1",
    ]
    assert list(evidence_in(a.AddNote(note=one))) == []


def test_a_contact_of_another_establishment_is_no_contact(desk: Desk) -> None:
    """Otherwise somebody else would get this case's letters."""
    desk.put_case(Stage.APPLICATION_REVIEW)
    answer = desk.act("submit-application", {"contact": "con-elsewhere"}, APPLICANT)
    assert pointers(problem(answer, 422, "contact-unknown")) == ["/contact"]
    own = desk.act("submit-application", {"contact": "con-1"}, APPLICANT)
    problem(own, 503, "engine-unavailable")
    assert TERMS.establishment == "est-000000000001"
