"""What the benchmark of a drive needs to go on working."""

import re
from pathlib import Path

from bench.plants import ALL, list_of, offices_own, plants
from bench.temporal_on_postgres import VERSION
from casework.lists.guessing import guess
from casework.lists.reading import read_table
from casework.lists.rows import parse_row

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


def test_every_row_of_its_list_can_be_used() -> None:
    table = read_table(list_of([*plants(), *offices_own(32)]), "members.csv")
    mapping = guess(table.columns, table.rows).mapping
    rows = [parse_row(mapping, row) for row in table.rows]
    sites = [row.site for row in rows if row.site is not None and not row.notes]
    assert len({site.registration_no for site in sites}) == len(rows) == ALL + 32
    assert all(site.province and site.email and site.name_en for site in sites)


def test_it_runs_the_temporal_server_of_the_compose_file() -> None:
    assert re.findall(r"temporalio/server:(\S+)", COMPOSE.read_text()) == [VERSION]
