"""What the :class:`~workflows.housekeeping.Housekeeping` workflow asks for on its schedule."""

from casework.domain._model import Frozen

WORKFLOW = "Housekeeping"
WORKFLOW_ID = "housekeeping"
SCHEDULE_ID = "housekeeping"
SWEEP = "housekeeping.sweep"
EXPORT_HISTORIES = "housekeeping.export_histories"


class SweepReport(Frozen):
    """What a sweep found: cases that were late and were poked, cases told of new holidays, drives started.

    A drive is started when it is under way in SQL and has no workflow.
    """

    poked: int = 0
    calendars: int = 0
    drives: int = 0


class ExportReport(Frozen):
    """Histories of ended runs that were exported, and runs whose history Temporal no longer had."""

    exported: int = 0
    gone: int = 0


class HousekeepingReport(Frozen):
    """What one round of housekeeping did."""

    sweep: SweepReport
    export: ExportReport
