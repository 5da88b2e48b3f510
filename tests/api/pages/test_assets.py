"""What pages load: local files, kept for a year under an address that changes with them."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import api
from api.pages.assets import asset_url
from casework.store.database import Database

STATIC = Path(api.__file__).parent / "static"
CSS = (STATIC / "css" / "casework.css").read_text(encoding="utf-8")


def test_a_file_is_kept_for_a_year(client: TestClient):
    answer = client.get(asset_url("css/casework.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"


def test_a_file_under_the_address_of_another_version_is_not_kept(client: TestClient):
    answer = client.get("/static/000000000000/css/casework.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/static/x/none.css", "/static/x/../pages.py", "/static/x/%2e%2e/pages.py", "/static/x/"],
)
def test_nothing_else_can_be_read(client: TestClient, path: str):
    assert client.get(path).status_code == 404


def test_a_page_that_names_a_missing_file_fails_at_once():
    with pytest.raises(LookupError, match=r"none\.css"):
        asset_url("none.css")


@pytest.mark.parametrize("path", ["/th/register", "/en/feedback", "/docs", "/th/none"])
def test_every_file_a_page_names_is_there_and_local(
    client: TestClient, filled: Database, path: str
):
    text = client.get(path).text
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', text)
    assert named
    for address in named:
        assert client.get(address).headers["cache-control"].endswith("immutable")
    assert not re.search(r'(?:src|href|action)="(?:https?:)?//(?!register\.example)', text)


@pytest.mark.parametrize("path", ["/th/register", "/en/feedback", "/docs", "/th/none"])
def test_pages_allow_no_inline_script_and_no_other_site(
    client: TestClient, filled: Database, path: str
):
    answer = client.get(path)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", answer.text)


def test_fonts_are_found_by_the_style_sheet(client: TestClient):
    base = asset_url("css/sarabun.css")
    fonts = re.findall(r'url\("([^"]+)"\)', client.get(base).text)
    assert len(fonts) == 4
    for font in fonts:
        answer = client.get(str(client.base_url.join(base).join(font)))
        assert answer.headers["content-type"] == "font/woff2"
        assert answer.content[:4] == b"wOF2"


def test_every_file_from_others_has_its_license():
    listed = (STATIC / "vendor" / "README.md").read_text(encoding="utf-8")
    for folder in (STATIC / "vendor").iterdir():
        if folder.is_dir():
            assert (folder / "LICENSE").is_file()
            assert f"`{folder.name}/`" in listed


def test_the_style_sheet_is_small():
    assert len(CSS.encode()) <= 25 * 1024


def test_the_style_sheet_keeps_the_rules_of_thai_type():
    """Tone marks need tall lines, and Thai has neither capitals nor italics nor spaced letters."""
    rules = re.sub(r"/\*.*?\*/", "", CSS, flags=re.DOTALL)
    for forbidden in ("letter-spacing", "text-transform", "font-variant", "justify;", "italic;"):
        assert forbidden not in rules
    body = rules[rules.index("  body {\n    background") :]
    assert float(re.findall(r"line-height: ([\d.]+)", body)[0]) >= 1.7
    assert all(float(height) >= 1.4 for height in re.findall(r"line-height: ([\d.]+)", rules))
    assert "font-size: 1.125rem" in body
