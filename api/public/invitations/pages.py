"""The page behind an invitation's link: a prefilled application, or a no, without an account or a script."""

from collections.abc import Awaitable, Callable
from functools import partial
from http import HTTPStatus

from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from api.engine.calls import EngineBusy, TemporalUnavailable
from api.engine.cases import CaseGateway, CaseNotRunning, RecordBehind
from api.pages.forms import FormTooLarge, read_fields
from api.pages.rendering import see_other
from api.pages.site import Clock, Site
from api.public.invitations.form import ApplicationForm
from api.public.invitations.invitation import Answered, InvitedSite, contact_for, find_invited
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
from casework.store.communities import put_communities
from casework.store.database import Database

_NO_ANSWER = (TemporalUnavailable, EngineBusy, CaseNotRunning, RecordBehind)

Endpoint = Callable[[Language, Request, InvitedSite], Awaitable[Response]]


class InvitationPages:
    """Let an invited contact answer. Who has the link acts as applicant of that establishment, in that case."""

    def __init__(
        self,
        site: Site,
        links: InvitationLinks,
        gateway: CaseGateway,
        database: Database,
        catalog: ProgramCatalog,
        clock: Clock,
    ) -> None:
        """Keep the keys of the links, the way to the cases, and the clock (UTC)."""
        self._site = site
        self._links = links
        self._gateway = gateway
        self._database = database
        self._catalog = catalog
        self._clock = clock
        for path, method, endpoint in (
            ("/apply/{token}", "GET", self.form),
            ("/apply/{token}", "POST", self.apply),
            ("/apply/{token}/decline", "GET", self.decline_form),
            ("/apply/{token}/decline", "POST", self.decline),
        ):
            site.add(path, method, partial(self._for_invited, endpoint))

    async def form(self, language: Language, request: Request, invited: InvitedSite) -> Response:
        """Show what is known, with room for a statement."""
        form = ApplicationForm.prefilled(invited.contact)
        return self._page("form", language, request, invited, values=form, errors={})

    async def apply(self, language: Language, request: Request, invited: InvitedSite) -> Response:
        """Show the answers to be checked, the form again, or take the application."""
        form = ApplicationForm.of(await read_fields(request))
        page = partial(self._page, language=language, request=request, invited=invited)
        if form.go in {"change", "more"}:
            return page("form", values=form, errors={})
        errors = form.errors()
        if errors:
            return page("form", values=form, errors=errors, code=HTTPStatus.UNPROCESSABLE_ENTITY)
        if form.go != "submit":
            return page("check", values=form, errors={})

        def contact() -> str:
            with self._database.writing() as session:
                named = form.new_communities()
                by, now = invited.contact.id, self._clock()
                put_communities(session, invited.case.case_id, named, by, now)
                return contact_for(session, invited, form, now)

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
                code=HTTPStatus.UNPROCESSABLE_ENTITY,
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
            return self._private("invalid", language, request, HTTPStatus.NOT_FOUND)
        except FormTooLarge:
            return self._site.error(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)

    async def _invited(self, request: Request) -> InvitedSite:
        invitation = self._links.read(request.path_params["token"], self._clock)
        invited = await self._site.read(find_invited, self._catalog, invitation)
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
            return again(errors={"form": "not-stored"}, code=HTTPStatus.SERVICE_UNAVAILABLE)
        except Refused as error:
            if error.refusal.code in {RefusalCode.NOT_AT_THIS_STAGE, RefusalCode.KEY_REUSED}:
                # It was answered before, in another window or by a colleague: the link tells.
                return see_other(_address(language, request))
            if error.refusal.code is RefusalCode.PERIOD_IS_OVER:
                return self._ended(language, request, invited.invitation)
            return again(errors={"form": "not-stored"}, code=HTTPStatus.CONFLICT)
        return see_other(_address(language, request))

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
            seen = await self._site.read(_version_of, case_id)
            if error.refusal.code is not RefusalCode.VERSION_CONFLICT or seen == version:
                raise
            await self._gateway.apply(case_id, act, principal, seen, key)

    # --- Pages --------------------------------------------------------------------------------

    def _page(
        self,
        template: str,
        language: Language,
        request: Request,
        invited: InvitedSite,
        *,
        code: int = HTTPStatus.OK,
        **context: object,
    ) -> Response:
        return self._private(
            template,
            language,
            request,
            code,
            site=invited.site,
            contact=invited.contact,
            case=invited.case,
            program=invited.program,
            province=provinces()[invited.case.province],
            address=_address(language, request),
            **context,
        )

    def _ended(self, language: Language, request: Request, invitation: Invitation) -> Response:
        return self._private(
            "expired",
            language,
            request,
            HTTPStatus.GONE,
            due_at=invitation.due_at,
            case_id=invitation.case,
        )

    def _private(
        self, template: str, language: Language, request: Request, code: int, **context: object
    ) -> Response:
        return self._site.page(
            f"invitation/{template}.html.jinja",
            language,
            request,
            path=_address(language, request),
            code=code,
            private=True,
            **context,
        )


def _address(language: Language, request: Request) -> str:
    """Return the address of the link itself, in this language."""
    return f"/{language}/apply/{request.path_params['token']}"


def _version_of(session: Session, case_id: str) -> int:
    row = find_case(session, case_id)
    return 0 if row is None else row.version
