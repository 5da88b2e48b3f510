"""The lists of the demo's seminars are read as lists of people are, slips and all."""

from collections import Counter

import pytest

from casework.demo.seminars import Seminar, address_of, earlier_seminar, seminar
from casework.demo.sites import read_sites
from casework.demo.stories import PATIENT, SWIFT
from casework.lists.mapping import guess
from casework.lists.reading import read_table
from casework.lists.rows import ListedEstablishment, parse_row

SITES = read_sites()
ALL, EARLIER = seminar(SITES), earlier_seminar(SITES)


def listed(of: Seminar) -> list[ListedEstablishment | tuple[str, ...]]:
    """Read a list as an upload is read; of a row that cannot be used the codes of what is wrong."""
    table = read_table(of.file, of.file_name)
    mapping = guess(table.columns)
    assert mapping.unmapped == ("ลำดับ", "หมายเหตุ")
    rows = [parse_row(mapping, row) for row in table.rows]
    return [
        row if isinstance(row, ListedEstablishment) else tuple(fault.code for fault in row)
        for row in rows
    ]


@pytest.mark.parametrize("of", [ALL, EARLIER], ids=lambda of: of.slug)
def test_it_has_as_many_rows_as_it_says(of: Seminar):
    assert len(listed(of)) == of.rows


def test_every_site_is_on_the_list_and_two_rows_cannot_be_read():
    rows = listed(ALL)
    assert Counter(row for row in rows if isinstance(row, tuple)) == {
        ("email",): 1,
        ("province-unknown",): 1,
    }
    read = [row for row in rows if isinstance(row, ListedEstablishment)]
    assert len({row.name_en for row in read}) == 149
    assert sum(row.email is None for row in read) == 2
    assert sum(row.registration_no is None for row in read) == 3


def test_the_earlier_seminar_has_five_with_an_address_and_none_with_a_story_of_its_own():
    rows = listed(EARLIER)
    names = {row.name_en for row in rows if isinstance(row, ListedEstablishment) and row.email}
    assert len(names) == 5
    assert names.isdisjoint(story.site for story in (*PATIENT, *SWIFT))


def test_everybody_has_an_address_of_their_own_and_none_can_be_reached():
    addresses = {address_of(site) for site in SITES}
    assert len(addresses) == 150
    assert all(address.endswith(".example") for address in addresses)
