"""What the :class:`~workflows.notice_delivery.NoticeDelivery` workflow asks of the notices in SQL."""

from casework.domain._model import Frozen

TASK_QUEUE = "casework-notices"
WORKFLOW = "NoticeDelivery"
WORKFLOW_ID = "notice-delivery"
DRAIN = "notices.drain"


class DrainRequest(Frozen):
    """Keep sending what is due for about this long, then report. Seconds."""

    seconds: float = 600.0


class DrainReport(Frozen):
    """What one drain did: rows by the state they ended in, and rows put back for a later attempt."""

    sent: int = 0
    failed: int = 0
    unknown: int = 0
    deferred: int = 0

    def plus(self, other: "DrainReport") -> "DrainReport":
        """Add up two reports."""
        return DrainReport(
            sent=self.sent + other.sent,
            failed=self.failed + other.failed,
            unknown=self.unknown + other.unknown,
            deferred=self.deferred + other.deferred,
        )


class NoticeDeliveryInput(Frozen):
    """What is carried from run to run."""

    delivered: DrainReport = DrainReport()
