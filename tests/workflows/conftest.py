"""The office that tests of the workflows work in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from casework.processes.servers import TemporalDevServer
from tests.workflows.office import Office, office_at_work


@pytest.fixture
async def office(temporal_server: TemporalDevServer, tmp_path: Path) -> AsyncIterator[Office]:
    """Work on one case under the sample program."""
    async with office_at_work(temporal_server, tmp_path) as office:
        yield office
