"""The public register: list, record, permanent address and data files, all from memory."""

from collections.abc import Callable
from http import HTTPStatus

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.locale import LANGUAGES
from api.pages.cache import MOST_BYTES, Rendered
from api.pages.rendering import PAGE_HEADERS
from api.pages.site import Site
from api.public.register.collation import sort_key
from api.public.register.data_files import as_csv, as_json
from api.public.register.in_memory import RegisterAt, RegisterInMemory
from api.public.register.listing import Search, matching, page_numbers, page_of
from casework.domain.calendar import Language
from casework.domain.register import RegisterStatus
from casework.programs.catalog import ProgramCatalog
from casework.programs.model import Words
from casework.programs.provinces import Province, provinces
from casework.programs.river_basins import river_basins

_LONGEST_ADDRESS = 1000
"""Pages under longer addresses are made as well, but not kept."""

_LARGEST = MOST_BYTES // 4
"""Nor is an answer kept that would drive out most others."""

_DATA_HEADERS = {
    "Access-Control-Allow-Origin": "*",
    "X-Content-Type-Options": "nosniff",
}

Make = Callable[[RegisterAt], Rendered | None]
"""Makes an answer from the register, or None where there is nothing under the address."""


class RegisterPages:
    """Answer requests for the register. It reads no SQL and knows nothing of Temporal."""

    def __init__(
        self, site: Site, register: RegisterInMemory, catalog: ProgramCatalog, public_url: str
    ) -> None:
        """Add the pages, and keep what they are made from.

        Args:
            site: where the pages go.
            register: the register in memory.
            catalog: for the names of all programs, whether anybody is certified under them or not.
            public_url: where people reach the site; permanent addresses begin with it.
        """
        self._site = site
        self._register = register
        self._address = public_url.rstrip("/")
        self._programs = {program: _name_of(catalog, program) for program in catalog.programs()}
        self._provinces = {language: _sorted_provinces(language) for language in LANGUAGES}
        for path, endpoint in (
            ("/", self.home),
            ("/r/{public_id}", self.permanent),
            ("/register.csv", self.csv),
            ("/register.json", self.json),
        ):
            site.add_without_language(path, endpoint)
        for path, endpoint in (
            ("", self.home),
            ("/", self.home),
            ("/register", self.list),
            ("/register/{public_id}", self.record),
        ):
            site.add(path, "GET", endpoint)

    async def home(self, language: Language, request: Request) -> Response:
        """Lead to the register."""
        return _redirect(f"/{language}/register")

    async def permanent(self, language: Language, request: Request) -> Response:
        """Lead from the address on a certificate to the record.

        The id is checked first, so that a mistyped one is told so in place.
        """
        public_id = request.path_params["public_id"].lower()
        if public_id not in (await self._register.current()).listed:
            return self._site.not_found(request)
        return _redirect(f"/{language}/register/{public_id}")

    async def list(self, language: Language, request: Request) -> Response:
        """Answer with one page of the list, or of what was searched for in it."""
        search = Search.of(request.query_params)
        return await self._answer(request, lambda at: self._list(at, search, language))

    async def record(self, language: Language, request: Request) -> Response:
        """Answer with the record of a certification."""
        public_id = request.path_params["public_id"]
        return await self._answer(request, lambda at: self._record(at, public_id, language))

    async def csv(self, language: Language, request: Request) -> Response:
        """Answer with the register, or what was searched for in it, as comma-separated values."""

        def make(at: RegisterAt) -> Rendered:
            found = matching(at, Search.of(request.query_params), "th")
            mark = request.query_params.get("bom") == "1"
            body = as_csv(found, self._address, mark=mark)
            name = 'attachment; filename="register.csv"'
            headers = {**_DATA_HEADERS, "Content-Disposition": name}
            return Rendered(body, "text/csv; charset=utf-8; header=present", headers)

        return await self._answer(request, make)

    async def json(self, language: Language, request: Request) -> Response:
        """Answer with the register, or what was searched for in it, as JSON."""

        def make(at: RegisterAt) -> Rendered:
            found = matching(at, Search.of(request.query_params), "th")
            body = as_json(at, found, self._address)
            return Rendered(body, "application/json", _DATA_HEADERS)

        return await self._answer(request, make)

    async def _answer(self, request: Request, make: Make) -> Response:
        """Answer from the pages that are kept, else make the page on a thread and keep it."""
        register = await self._register.current()
        scope = request.scope
        address = f"{scope['path']}?{scope['query_string'].decode('latin-1')}"
        page = register.pages.get(address)
        if page is None:
            page = await to_thread.run_sync(make, register)
            if page is None:
                return self._site.not_found(request)
            if len(address) <= _LONGEST_ADDRESS and page.size <= _LARGEST:
                register.pages[address] = page
        return page.answer(request)

    def _list(self, register: RegisterAt, search: Search, language: Language) -> Rendered:
        result = page_of(register, search, language)
        shown = search.on_page(result.page)
        return self._rendered(
            "register/list.html.jinja",
            language,
            f"/{language}/register{shown.query()}",
            register=register,
            result=result,
            search=shown,
            page_numbers=page_numbers(result.page, result.pages),
            programs=self._programs,
            provinces=self._provinces[language],
            provinces_by_code=provinces(),
            statuses=tuple(RegisterStatus),
        )

    def _record(self, register: RegisterAt, public_id: str, language: Language) -> Rendered | None:
        row = register.listed.get(public_id)
        if row is None:
            return None
        body = row.record.current.body
        return self._rendered(
            "register/entry.html.jinja",
            language,
            f"/{language}/register/{public_id}",
            row=row,
            address=self._address,
            province=provinces()[body.province],
            basin=_basin(body.river_basin, language),
        )

    def _rendered(
        self, template: str, language: Language, path: str, **context: object
    ) -> Rendered:
        text = self._site.render(template, language, path, **context)
        return Rendered(text.encode(), "text/html; charset=utf-8", PAGE_HEADERS)


def _redirect(address: str) -> Response:
    headers = {"Vary": "Accept-Language", "Cache-Control": "no-cache"}
    return RedirectResponse(address, status_code=HTTPStatus.FOUND, headers=headers)


def _name_of(catalog: ProgramCatalog, program: str) -> Words:
    return next(v for v in reversed(catalog.versions(program)) if not v.sample).name


def _sorted_provinces(language: Language) -> tuple[Province, ...]:
    return tuple(sorted(provinces().values(), key=lambda p: sort_key(p.name(language))))


def _basin(code: str | None, language: Language) -> str | None:
    """Return the name of a basin; establishments carry its number."""
    if code is None:
        return None
    basin = river_basins().get(int(code)) if code.isdigit() else None
    return basin.name(language) if basin else code
