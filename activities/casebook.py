"""The casebook of a case: its journal, its row in the read model and the notices that follow, in one transaction."""

from temporalio import activity

from casework.contracts import casebook as contract
from casework.notices.catalogue import notices_for
from casework.store import representations
from casework.store.cases import casebook
from casework.store.database import Database


class CasebookActivities:
    """Record what happened to a case. Does not own the rules: it writes what the workflow decided.

    Blocking calls, so plain functions: the worker runs them on threads.
    """

    def __init__(self, database: Database) -> None:
        """Keep the application database."""
        self._database = database

    @activity.defn(name=contract.RECORD)
    def record(self, request: contract.RecordRequest) -> None:
        """Write the events once, however often this is tried.

        Raises :class:`~casework.store.cases.casebook.JournalGap` or
        :class:`~casework.store.cases.superseding.JournalDifference` when SQL and the workflow differ.
        """
        notices = [notice for line in request.events for notice in notices_for(request.case, line)]
        with self._database.writing() as session:
            casebook.record(session, request, notices)

    @activity.defn(name=contract.CLOSE_FEEDBACK)
    def close_feedback(self, request: contract.CloseFeedbackRequest) -> contract.ClosedFeedback:
        """Take no more representations and return the accepted ones; the same answer when repeated."""
        with self._database.writing() as session:
            return representations.close_feedback(session, request.case_id, request.closes_at)
