"""The page behind an invitation's link: a prefilled application, or a no, without an account or a script."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from anyio import to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.engine.calls import EngineBusy, TemporalUnavailable
from api.engine.cases import CaseGateway, CaseNotRunning, RecordBehind
from api.locale import LANGUAGES
from api.pages.errors import error_page, unavailable
from api.pages.forms import FormTooLarge, read_fields
from api.pages.rendering import html, render
from api.public.invitations.form import ApplicationForm
from api.public.invitations.invitation import Answered, InvitedSite, contact_for, find_invited
from api.public.register.in_memory import Clock
from casework.domain.actors import ActorKind
from casework.domain.acts import Act, DeclineInvitation, SubmitApplication
from casework.domain.calendar import Language
from casework.domain.policy import Principal
from casework.domain.refusals import RefusalCode, Refused
from casework.identity.invitation_links import (
    Invitation,
    InvitationExpired,
    InvitationInvalid,
    InvitationLinks,
)
from casework.programs.catalog import ProgramCatalog
from casework.programs.provinces import provinces
from casework.store.cases.casebook import find_case
from casework.store.database import DATABASE_AWAY, Database

_NOT_FOUND = 404
_CONFLICT = 409
_GONE = 410
_PAYLOAD_TOO_LARGE = 413
_UNPROCESSABLE = 422
_SERVICE_UNAVAILABLE = 503

_NO_ANSWER = (TemporalUnavailable, EngineBusy, CaseNotRunning, RecordBehind)

Endpoint = Callable[[Language, Request, InvitedSite], Awaitable[Response]]


class InvitationPages:
    """Let an invited contact answer. Who has the link acts as applicant of that establishment, in that case."""

    def __init__(
        self,
        links: InvitationLinks,
        gateway: CaseGateway,
        database: Database,
        catalog: ProgramCatalog,
        clock: Clock,
        *,
        demonstration: bool,
    ) -> None:
        """Keep the keys of the links, the way to the cases, and the clock (UTC)."""
        self._links = links
        self._gateway = gateway
        self._database = database
        self._catalog = catalog
        self._clock = clock
        self._demonstration = demonstration

    def add_to(self, router: APIRouter) -> None:
        """Add the routes, in both languages."""
        for language in LANGUAGES:
            for path, method, endpoint in (
                ("apply/{token}", "GET", self.form),
                ("apply/{token}", "POST", self.apply),
                ("apply/{token}/decline", "GET", self.decline_form),
                ("apply/{token}/decline", "POST", self.decline),
            ):
                router.add_route(
                    f"/{language}/{path}",
                    partial(self._for_invited, endpoint, language),
                    methods=[method],
                    include_in_schema=False,
                )

    async def form(self, language: Language, request: Request, invited: InvitedSite) -> Response:
        """Show what is known, with room for a statement."""
        form = ApplicationForm.prefilled(invited.contact)
        return self._page("form", language, request, invited, values=form, errors={})

    async def apply(self, language: Language, request: Request, invited: InvitedSite) -> Response:
        """Show the answers to be checked, the form again, or take the application."""
        form = ApplicationForm.of(await read_fields(request))
        page = partial(self._page, language=language, request=request, invited=invited)
        errors = form.errors()
        if errors:
            return page("form", values=form, errors=errors, status=_UNPROCESSABLE)
        if form.go == "change":
            return page("form", values=form, errors={})
        if form.go != "submit":
            return page("check", values=form, errors={})

        def contact() -> str:
            with self._database.writing() as session:
                return contact_for(session, invited, form, self._clock())

        act = SubmitApplication(
            contact=await to_thread.run_sync(contact), statement=form.text or None
        )
        return await self._act(language, request, invited, act, form, "check")

    async def decline_form(
        self, language: Language, request: Request, invited: InvitedSite
    ) -> Response:
        """Ask for the reason, which may stay empty."""
        values = ApplicationForm.of({})
        return self._page("decline", language, request, invited, values=values, errors={})

    async def decline(self, language: Language, request: Request, invited: InvitedSite) -> Response:
        """Take the no."""
        form = ApplicationForm.of(await read_fields(request))
        errors = form.errors_of_text()
        if errors:
            return self._page(
                "decline",
                language,
                request,
                invited,
                values=form,
                errors=errors,
                status=_UNPROCESSABLE,
            )
        act = DeclineInvitation(reason=form.text or None)
        return await self._act(language, request, invited, act, form, "decline")

    # --- Whose link it is ---------------------------------------------------------------------

    async def _for_invited(
        self, endpoint: Endpoint, language: Language, request: Request
    ) -> Response:
        """Read the link, and show what has become of the invitation unless it still waits for an answer."""
        try:
            invited = await self._invited(request)
            answered = invited.answered(self._clock())
            if answered is not Answered.NOT_YET:
                return self._page("answered", language, request, invited, answered=answered)
            return await endpoint(language, request, invited)
        except InvitationExpired as over:
            return self._ended(language, request, over.invitation)
        except InvitationInvalid:
            return self._invalid(language, request)
        except FormTooLarge:
            return error_page(request, _PAYLOAD_TOO_LARGE, demonstration=self._demonstration)
        except DATABASE_AWAY:
            return unavailable(request, demonstration=self._demonstration)

    async def _invited(self, request: Request) -> InvitedSite:
        token: str = request.path_params["token"]

        def read() -> InvitedSite | None:
            invitation = self._links.read(token, self._clock)
            with self._database.reading() as session:
                return find_invited(session, self._catalog, invitation)

        invited = await to_thread.run_sync(read)
        if invited is None:
            raise InvitationInvalid("the link belongs to no case")
        return invited

    # --- Acting -------------------------------------------------------------------------------

    async def _act(
        self,
        language: Language,
        request: Request,
        invited: InvitedSite,
        act: Act,
        form: ApplicationForm,
        template: str,
    ) -> Response:
        """Send the act; afterwards the link itself shows what has become of the invitation."""
        again = partial(self._page, template, language, request, invited, values=form)
        try:
            await self._send(invited, act, form.key)
        except _NO_ANSWER:
            return again(errors={"form": "not-stored"}, status=_SERVICE_UNAVAILABLE)
        except Refused as error:
            if error.refusal.code in {RefusalCode.NOT_AT_THIS_STAGE, RefusalCode.KEY_REUSED}:
                # It was answered before, in another window or by a colleague: the link tells.
                return _to(language, request)
            if error.refusal.code is RefusalCode.PERIOD_IS_OVER:
                return self._ended(language, request, invited.invitation)
            return again(errors={"form": "not-stored"}, status=_CONFLICT)
        return _to(language, request)

    async def _send(self, invited: InvitedSite, act: Act, key: str) -> None:
        """Act on the case as it is: a reminder that left meanwhile is no reason to ask again."""
        principal = Principal(
            person=invited.contact.id,
            kinds=(ActorKind.APPLICANT,),
            establishment=invited.site.id,
        )
        case_id, version = invited.case.case_id, invited.case.version
        try:
            await self._gateway.apply(case_id, act, principal, version, key)
        except Refused as error:
            seen = await to_thread.run_sync(self._version, case_id)
            if error.refusal.code is not RefusalCode.VERSION_CONFLICT or seen == version:
                raise
            await self._gateway.apply(case_id, act, principal, seen, key)

    def _version(self, case_id: str) -> int:
        with self._database.reading() as session:
            row = find_case(session, case_id)
        return 0 if row is None else row.version

    # --- Pages --------------------------------------------------------------------------------

    def _page(
        self,
        template: str,
        language: Language,
        request: Request,
        invited: InvitedSite,
        *,
        status: int = 200,
        **context: object,
    ) -> Response:
        shown: Mapping[str, object] = {
            "site": invited.site,
            "contact": invited.contact,
            "case": invited.case,
            "program": invited.program,
            "province": provinces()[invited.case.province],
            "address": _address(language, request),
        }
        return self._private(template, language, request, status, **shown, **context)

    def _ended(self, language: Language, request: Request, invitation: Invitation) -> Response:
        due_at, case_id = invitation.due_at, invitation.case
        return self._private("expired", language, request, _GONE, due_at=due_at, case_id=case_id)

    def _invalid(self, language: Language, request: Request) -> Response:
        return self._private("invalid", language, request, _NOT_FOUND)

    def _private(
        self, template: str, language: Language, request: Request, status: int, **context: object
    ) -> Response:
        text = render(
            f"invitation/{template}.html.jinja",
            language,
            _address(language, request),
            demonstration=self._demonstration,
            **context,
        )
        return html(text, status, private=True)


def _address(language: Language, request: Request) -> str:
    """Return the address of the link itself, in this language."""
    return f"/{language}/apply/{request.path_params['token']}"


def _to(language: Language, request: Request) -> Response:
    return RedirectResponse(
        _address(language, request),
        status_code=303,
        headers={"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer"},
    )
