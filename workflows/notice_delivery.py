"""NoticeDelivery: keeps the outbox of notices draining, for as long as the system lives."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from casework.contracts import notice_delivery
    from workflows import _options


@workflow.defn(name=notice_delivery.WORKFLOW)
class NoticeDelivery:
    """Keep one drain of the outbox at work and replace it when its worker dies.

    One run per namespace, started by the first worker. Takes no messages, never ends by itself, and continues as
    new once in a while. Does not own the notices: they are rows in SQL, written with the events they tell of.
    """

    @workflow.run
    async def run(self, carried: notice_delivery.NoticeDeliveryInput) -> None:
        """Drain, round after round."""
        delivered = carried.delivered
        for _ in range(_options.DRAIN_ROUNDS_PER_RUN):
            workflow.set_current_details(
                f"sent {delivered.sent}, failed {delivered.failed}, unknown {delivered.unknown}"
            )
            report = await workflow.execute_activity(
                notice_delivery.DRAIN,
                notice_delivery.DrainRequest(seconds=_options.DRAIN_ROUND.total_seconds()),
                result_type=notice_delivery.DrainReport,
                start_to_close_timeout=_options.DRAIN_TIMEOUT,
                heartbeat_timeout=_options.DRAIN_HEARTBEAT,
                retry_policy=_options.DRAIN_RETRY,
                summary="Send what is due",
            )
            delivered = delivered.plus(report)
        workflow.continue_as_new(notice_delivery.NoticeDeliveryInput(delivered=delivered))
