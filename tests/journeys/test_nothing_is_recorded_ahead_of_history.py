"""Parts of a whole system go away under load; whoever compares SQL with Temporal's histories finds no difference."""

from pathlib import Path

import pytest

from bench.outages import SETTLED_WITHIN_SECONDS, drawn, run_drill


@pytest.mark.postgres
def test_no_line_letter_or_entry_is_ahead_of_history_and_no_accepted_act_is_lost(
    tmp_path: Path,
) -> None:
    """Temporal stands still while acts are in flight, then parts and pairs of parts are stopped and killed."""
    report = run_drill(tmp_path, outages=4, seed=7, longest=6.0)
    assert report.wrong == []
    assert report.tally.faults == []
    assert report.tally.never_clear == []
    done = {act.act for act in report.tally.acknowledged}
    assert {"apply", "accept-application", "schedule-inspection", "file-inspection"} <= done
    assert report.tally.unclear > 0, "no outage was felt"
    assert report.settled_after < SETTLED_WITHIN_SECONDS


def test_a_seed_draws_the_same_outages_and_the_gravest_first() -> None:
    outages = drawn(3, 60, 20.0)
    assert outages == drawn(3, 60, 20.0)
    assert outages != drawn(4, 60, 20.0)
    assert outages[0].parts == (("temporal", "stopped"),)
    assert outages[0].seconds >= 4.0
    assert {len(outage.parts) for outage in outages} == {1, 2}
    assert {part for outage in outages for part, _ in outage.parts} == {
        "temporal",
        "worker",
        "api",
        "postgres",
    }
