"""Where a case is, for whoever has its number: a page to follow it, and a form to find that page."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from api.pages.rendering import see_other
from api.pages.site import Clock, Site
from api.public.applicant.status import LONGEST_INPUT, STEPS, CaseStatus, case_number, find_status
from casework.domain.calendar import Language
from casework.programs.catalog import ProgramCatalog


class CaseStatusPages:
    """Answer "Where is my case?" from the read model alone. It needs no account and no Temporal.

    The number is the key: 60 bits that cannot be guessed. So the pages are kept by nobody, listed
    nowhere, and show only what :class:`~api.public.applicant.status.CaseStatus` allows.
    """

    def __init__(self, site: Site, catalog: ProgramCatalog, clock: Clock) -> None:
        """Keep the site, the names of the programs and the clock (UTC)."""
        self._site = site
        self._catalog = catalog
        self._clock = clock
        site.add("/cases", "GET", self.find)
        site.add("/cases/{case_id}", "GET", self.status)

    async def find(self, language: Language, request: Request) -> Response:
        """Show the form, or lead from the number in it to the page of the case."""
        typed = request.query_params.get("number")
        if typed is None:
            return self._form(language, request, "", code=HTTPStatus.OK)
        if not typed.strip():
            return self._form(language, request, "", error="missing")
        number = case_number(typed)
        if number is None:
            return self._form(language, request, typed, error="malformed")
        if await self._status_of(number) is None:
            return self._form(language, request, typed, error="unknown")
        return see_other(f"/{language}/cases/{number}")

    async def status(self, language: Language, request: Request) -> Response:
        """Show where the case is; the form where there is no such case, to correct the number."""
        typed = request.path_params["case_id"]
        number = case_number(typed)
        status = await self._status_of(number) if number else None
        if status is None:
            return self._form(language, request, typed, error="unknown", code=HTTPStatus.NOT_FOUND)
        return self._site.page(
            "case/status.html.jinja",
            language,
            request,
            private=True,
            status=status,
            steps=STEPS,
        )

    async def _status_of(self, case_id: str) -> CaseStatus | None:
        return await self._site.read(find_status, self._catalog, case_id, self._clock())

    def _form(
        self,
        language: Language,
        request: Request,
        typed: str,
        *,
        error: str = "",
        code: int = HTTPStatus.UNPROCESSABLE_ENTITY,
    ) -> Response:
        shown = "".join(letter for letter in typed if letter.isprintable())[:LONGEST_INPUT]
        return self._site.page(
            "case/find.html.jinja",
            language,
            request,
            code=code,
            private=True,
            typed=shown.strip(),
            error=error,
        )
