"""What a case asks of the register: show the certification as it stands at a version of the case."""

from casework.domain._model import Frozen

PUBLISH = "register.publish"


class PublishRequest(Frozen):
    """Publish the case at ``version``; ``key`` is ``<case>/publish/<version>`` and makes a repetition harmless."""

    case_id: str
    version: int

    @property
    def key(self) -> str:
        """The idempotency key of this publication."""
        return f"{self.case_id}/publish/{self.version}"


class PublishReceipt(Frozen):
    """The number of the register entry, counted from 1 over the whole register."""

    entry: int
