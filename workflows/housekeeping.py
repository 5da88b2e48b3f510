"""Housekeeping: the round that repairs what was missed and keeps what Temporal would forget."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from casework.contracts import housekeeping
    from workflows import _options


@workflow.defn(name=housekeeping.WORKFLOW)
class Housekeeping:
    """Make one round, on a Temporal schedule.

    It pokes cases whose due date passed without an event (Temporal on PostgreSQL has lost timers), tells cases of
    changed holidays, and exports the histories of ended runs before retention deletes them. Takes no messages.
    """

    @workflow.run
    async def run(self) -> housekeeping.HousekeepingReport:
        """Sweep, then export."""
        sweep = await workflow.execute_activity(
            housekeeping.SWEEP,
            result_type=housekeeping.SweepReport,
            start_to_close_timeout=_options.HOUSEKEEPING_TIMEOUT,
            retry_policy=_options.HOUSEKEEPING_RETRY,
            summary="Poke cases whose due date passed",
        )
        export = await workflow.execute_activity(
            housekeeping.EXPORT_HISTORIES,
            result_type=housekeeping.ExportReport,
            start_to_close_timeout=_options.HOUSEKEEPING_TIMEOUT,
            retry_policy=_options.HOUSEKEEPING_RETRY,
            summary="Export the histories of ended runs",
        )
        return housekeeping.HousekeepingReport(sweep=sweep, export=export)
