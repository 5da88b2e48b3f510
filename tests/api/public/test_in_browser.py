"""What people see: the public pages in a real browser, wide and narrow, light and dark, on paper.

Pictures go to a temporary folder. ``CASEWORK_PICTURES=docs/img`` renews the committed ones.
"""

import os
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import pytest
import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from api.app import create_app
from casework.domain.calendar import Language
from casework.processes.servers import LOOPBACK, free_port
from casework.processes.waiting import LONGEST_WAIT_SECONDS
from casework.settings import Settings
from tests.api.desk import SetClock
from tests.api.public.sample_register import CASE, SITE

pytestmark = pytest.mark.browser

AXE = (Path(__file__).parents[2] / "assets" / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PICTURES = (
    "register-list-th",
    "register-record-th",
    "register-record-th-phone-dark",
    "feedback-errors-en-phone",
    "outbox-notice-light",
    "api-docs",
)
"""The committed ones; all others are for whoever looks into the temporary folder."""

Scheme = Literal["light", "dark"]
WINDOWS: list[tuple[Language, int, Scheme]] = [
    ("th", 1280, "light"),
    ("th", 390, "dark"),
    ("en", 1280, "dark"),
    ("en", 390, "light"),
]


@pytest.fixture
def site(tmp_path: Path, filled_file: Path, clock: SetClock) -> Iterator[str]:
    """Serve the whole application, without Temporal, and give its address."""
    shutil.copyfile(filled_file, tmp_path / "casework.db")
    settings = Settings(
        _env_file=None,  # pyright: ignore[reportCallIssue]  # pydantic-settings takes it, unseen
        state_folder=tmp_path,
        database_url=None,
        public_url="https://register.example",
        sample_programs=True,
        outbox_page=True,
    )
    port = free_port()
    app = create_app(settings, now=clock)
    server = Server(uvicorn.Config(app, host=LOOPBACK, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, name="site")
    thread.start()
    assert server.is_up.wait(LONGEST_WAIT_SECONDS)
    yield f"http://{LOOPBACK}:{port}"
    server.should_exit = True
    thread.join(LONGEST_WAIT_SECONDS)


class Server(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


@dataclass
class Visit:
    """One window on the site, which notes whatever it should not have seen."""

    page: Page
    site: str
    pictures: Path
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._asked)

    async def open(self, path: str) -> None:
        await self.page.goto(self.site + path)
        await self.check()

    async def check(self) -> None:
        """Hold the page to what every page has to keep."""
        await self.page.wait_for_load_state()
        width = await self.page.evaluate("document.documentElement.scrollWidth")
        assert self.page.viewport_size is not None
        assert width <= self.page.viewport_size["width"], f"{self.page.url} scrolls sideways"
        if 360 <= width < 640 and await self.page.locator(".masthead").count():
            masthead = await self.page.locator(".masthead").bounding_box()
            assert masthead is not None
            assert masthead["height"] < 100, f"{self.page.url} begins with a masthead"
        await self.page.evaluate(AXE)
        found = await self.page.evaluate(
            "rules => axe.run(document, {runOnly: rules}).then(result => result.violations)", RULES
        )
        told = [f"{v['id']}: {v['help']}: {[n['html'] for n in v['nodes']][:3]}" for v in found]
        assert not told, f"{self.page.url}: {told}"

    async def picture(self, name: str, *, full: bool = True) -> None:
        """Keep what the window shows."""
        given = os.environ.get("CASEWORK_PICTURES")
        folder = Path(given) if given and name in PICTURES else self.pictures
        folder.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate("document.fonts.ready")
        await self.page.screenshot(path=folder / f"{name}.png", full_page=full)

    def end(self) -> None:
        """Hold the visit to what no page may do."""
        assert not self.errors
        assert not self.strangers

    def _heard(self, message: ConsoleMessage) -> None:
        # A browser reports the status of a form that came back with errors, which is no fault.
        if message.type in {"error", "warning"} and "status of 422" not in message.text:
            self.errors.append(f"{message.text} ({message.location})")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.hostname != LOOPBACK:
            self.strangers.append(request.url)


async def window(
    browser: Browser, language: Language, width: int, scheme: Scheme
) -> BrowserContext:
    return await browser.new_context(
        locale="th-TH" if language == "th" else "en-US",
        timezone_id="Asia/Bangkok",
        viewport={"width": width, "height": 900 if width > 600 else 844},
        device_scale_factor=1 if width > 600 else 1.5,
        color_scheme=scheme,
        reduced_motion="reduce",
    )


@pytest.mark.parametrize(("language", "width", "scheme"), WINDOWS)
async def test_a_reader_finds_a_site_and_says_something_about_another(
    chromium: Browser, site: str, tmp_path: Path, language: Language, width: int, scheme: Scheme
):
    context = await window(chromium, language, width, scheme)
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    thai = language == "th"
    suffix = language + ("-phone" if width < 600 else "") + ("-dark" if scheme == "dark" else "")

    # The front leads to the list in the reader's language.
    await visit.open("/")
    assert page.url == f"{site}/{language}/register"
    await expect(page.locator("html")).to_have_attribute("lang", language)
    await visit.picture(f"register-list-{suffix}", full=False)

    # Search, and open what was found.
    await page.get_by_role("searchbox").fill("prachin")
    await page.get_by_role("button", name="ค้นหา" if thai else "Search", exact=True).click()
    await visit.check()
    await expect(page.get_by_role("status")).to_contain_text("3")
    await visit.picture(f"register-search-{suffix}")
    await page.locator(".results h2 a").first.click()
    await visit.check()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Prachin")
    await visit.picture(f"register-record-{suffix}")

    # An expired one says so.
    await visit.open(f"/{language}/register?status=expired")
    await page.locator(".results h2 a").first.click()
    await visit.check()
    await expect(page.locator(".certificate")).to_contain_text("หมดอายุ" if thai else "Expired")
    await visit.picture(f"register-expired-{suffix}")

    # Speak: first with something missing, then complete.
    await page.locator(".sections a").nth(1).click()
    await visit.check()
    await visit.picture(f"feedback-open-{suffix}")
    await page.get_by_role("link", name=SITE).click()
    await visit.check()
    await visit.picture(f"feedback-form-{suffix}")
    send = page.get_by_role("button", name="ส่งความคิดเห็น" if thai else "Send")
    await page.locator("#email").fill("somchai")
    await send.click()
    await visit.check()
    summary = page.locator(".error-summary")
    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("link")).to_have_count(3)
    await visit.picture(f"feedback-errors-{suffix}")
    await summary.get_by_role("link").nth(1).click()
    await expect(page.locator("#text")).to_be_focused()
    await page.get_by_label("คัดค้าน" if thai else "I am against it", exact=True).check()
    await page.locator("#text").fill(
        "กลิ่นเหม็นทุกคืนวันศุกร์" if thai else "It smells every Friday night."
    )
    await page.locator("#email").fill("")
    await send.click()
    await visit.check()
    await expect(page.locator(".confirmation .code")).to_contain_text("rep-")
    await visit.picture(f"feedback-receipt-{suffix}")

    visit.end()
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_other_pages_keep_the_same_rules(
    chromium: Browser, site: str, tmp_path: Path, clock: SetClock, scheme: Scheme
):
    context = await window(chromium, "th", 1280, scheme)
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    await visit.open("/th/register?q=no-such-mill")
    await visit.picture(f"register-nothing-{scheme}")
    await visit.open("/dev/outbox")
    await page.locator(".results h2 a").first.click()
    await expect(page.frame_locator("iframe").locator("body")).to_contain_text(SITE)
    await visit.check()
    await visit.picture(f"outbox-notice-{scheme}")
    clock.forward(days=30)
    await visit.open(f"/th/cases/{CASE}/feedback")
    await visit.picture(f"feedback-over-{scheme}")
    visit.end()

    await visit.open("/th/nowhere")
    await visit.picture(f"not-found-{scheme}")
    assert len(visit.errors) == 1
    assert "status of 404" in visit.errors[0]
    await context.close()


@pytest.mark.parametrize(("language", "width", "scheme"), WINDOWS)
async def test_the_notice_to_post_fits_on_one_sheet(
    chromium: Browser, site: str, tmp_path: Path, language: Language, width: int, scheme: Scheme
):
    """On paper it is black on white, without the site's navigation, and one page of A4."""
    context = await window(chromium, language, width, scheme)
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    await visit.open(f"/{language}/cases/{CASE}/feedback/notice")
    code = page.locator("figure svg")
    await expect(code).to_be_visible()
    await visit.picture(f"feedback-notice-{language}-{width}-{scheme}")
    await page.emulate_media(media="print")
    await expect(page.locator(".sections")).to_be_hidden()
    await expect(page.locator(".to-print")).to_be_hidden()
    await expect(code).to_be_visible()
    paper = await page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == 1
    assert re.search(rb"/MediaBox\s*\[0 0 59[45]\.\d+ 84[12]\.\d+\]", paper)
    visit.end()
    await context.close()


@pytest.mark.parametrize(("language", "width", "scheme"), WINDOWS)
async def test_somebody_with_a_number_finds_the_case(
    chromium: Browser, site: str, tmp_path: Path, language: Language, width: int, scheme: Scheme
):
    context = await window(chromium, language, width, scheme)
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    suffix = language + ("-phone" if width < 600 else "") + ("-dark" if scheme == "dark" else "")

    await visit.open(f"/{language}/register")
    await page.locator(".sections a").nth(2).click()
    await visit.check()
    await page.locator("#number").fill("eco-aaaaaaaaaaaa")
    await page.locator("main button").click()
    await visit.check()
    summary = page.locator(".error-summary")
    await expect(summary).to_be_focused()
    await visit.picture(f"case-errors-{suffix}")
    await summary.get_by_role("link").click()
    await expect(page.locator("#number")).to_be_focused()
    await page.locator("#number").fill(CASE.upper())
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{site}/{language}/cases/{CASE}")
    await visit.check()
    await expect(page.locator("[aria-current=step]")).to_have_count(1)
    await visit.picture(f"case-feedback-{suffix}")
    await page.locator(f"a[href$='{CASE}/feedback']").click()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    visit.end()
    await context.close()


@pytest.mark.parametrize(
    "path",
    [
        "/th/register",
        "/en/register",
        f"/th/cases/{CASE}/feedback",
        f"/th/cases/{CASE}/feedback/notice",
        f"/th/cases/{CASE}",
        "/th/cases",
    ],
)
async def test_nothing_scrolls_sideways_on_the_narrowest_screen(
    chromium: Browser, site: str, tmp_path: Path, path: str
):
    """320 pixels are also what a page has left at 400 percent on a desk (WCAG 1.4.10)."""
    context = await window(chromium, "th", 320, "light")
    visit = Visit(await context.new_page(), site, tmp_path / "pictures")
    await visit.open(path)
    if "register" in path:
        await visit.page.locator(".results h2 a").first.click()
        await visit.check()
    visit.end()
    await context.close()


async def test_a_keyboard_alone_is_enough(page: Page, site: str):
    await page.goto(f"{site}/en/register")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type("prachinburi mill")
    await page.keyboard.press("Enter")
    await expect(page.locator(".results > li")).to_have_count(1)
    link = page.locator(".results h2 a")
    await link.focus()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Shift+Tab")
    await expect(link).to_be_focused()
    assert await link.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


async def test_everything_works_without_a_script(chromium: Browser, site: str):
    context = await chromium.new_context(java_script_enabled=False, locale="th-TH")
    page = await context.new_page()
    await page.goto(f"{site}/th/register")
    await page.locator("#q").fill("mill")
    await page.locator(".search button").click()
    assert "q=mill" in page.url
    await page.goto(f"{site}/th/cases/{CASE}/feedback")
    await page.locator("#send").click()
    await expect(page.locator(".error-summary a")).to_have_count(2)
    await page.locator("#stance-support").check()
    await page.locator("#text").fill("เป็นเพื่อนบ้านที่ดี")
    await page.locator("#send").click()
    await expect(page.locator(".confirmation .code")).to_contain_text("rep-")
    await context.close()


async def test_a_record_on_paper_is_the_certificate_and_nothing_to_click(
    chromium: Browser, site: str, tmp_path: Path
):
    context = await window(chromium, "th", 1280, "dark")
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    await visit.open("/th/register?status=expired")
    await page.locator(".results h2 a").first.click()
    await page.emulate_media(media="print")
    await expect(page.locator(".masthead nav").first).to_be_hidden()
    await expect(page.locator(".back")).to_be_hidden()
    await expect(page.locator(".certificate .status")).to_be_visible()
    ink = await page.locator("h1").evaluate("e => getComputedStyle(e).color")
    paper = await page.locator("body").evaluate("e => getComputedStyle(e).backgroundColor")
    assert (ink, paper) == ("rgb(0, 0, 0)", "rgb(255, 255, 255)")
    await visit.picture("register-record-print")
    visit.end()
    await context.close()


async def test_thai_is_set_in_the_font_the_site_brings_along(page: Page, site: str):
    await page.goto(f"{site}/th/register")
    await page.evaluate("document.fonts.ready")
    loaded = await page.evaluate(
        "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.weight).sort()"
    )
    assert {"400", "700"} <= set(loaded)


async def test_the_api_documentation_works_with_local_files_alone(
    chromium: Browser, site: str, tmp_path: Path
):
    context = await window(chromium, "en", 1280, "light")
    page = await context.new_page()
    visit = Visit(page, site, tmp_path / "pictures")
    await page.goto(f"{site}/docs")
    await page.locator(".opblock-summary-control").first.click()
    await expect(page.locator(".opblock-body").first).to_be_visible()
    await visit.picture("api-docs", full=False)
    visit.end()
    await context.close()
