"""Where a notice sends its reader: the few public addresses, in one place."""

from dataclasses import dataclass
from urllib.parse import quote

from casework.domain.calendar import Language
from casework.identity.invitation_links import Invitation, InvitationLinks
from casework.store.register import public_id_of


@dataclass(frozen=True)
class Addresses:
    """Addresses below ``public_url``, which is where people reach the site. They hold opaque ids only.

    ``links`` signs those that let an invited contact apply.
    """

    public_url: str
    links: InvitationLinks | None = None

    def application(self, invitation: Invitation, language: Language) -> str | None:
        """Return the prefilled application of an invited contact; None where nothing signs links."""
        if self.links is None:
            return None
        return self._below(language, "apply", self.links.sign(invitation))

    def case(self, case_id: str, language: Language) -> str:
        """Return the page of a case, for its applicant and for staff."""
        return self._below(language, "cases", case_id)

    def feedback(self, case_id: str, language: Language) -> str:
        """Return the public notice of a feedback period, where anyone can speak."""
        return self._below(language, "cases", case_id, "feedback")

    def feedback_notice(self, case_id: str, language: Language) -> str:
        """Return the notice of a feedback period that can be printed and posted."""
        return self._below(language, "cases", case_id, "feedback", "notice")

    def communities(self, case_id: str) -> str:
        """Return where the API has the communities of a case, for its staff."""
        return self._below("api", "v1", "cases", case_id, "communities")

    def receipt(self, receipt: str, language: Language) -> str:
        """Return the page on which an author sees what came of a representation."""
        return self._below(language, "feedback", receipt)

    def register(self, program: str, establishment: str) -> str:
        """Return the permanent address of an establishment in the public register."""
        return self._below("r", public_id_of(program, establishment))

    def _below(self, *parts: str) -> str:
        below = "/".join(quote(part, safe="") for part in parts)
        return f"{self.public_url.rstrip('/')}/{below}"
