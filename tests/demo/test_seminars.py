"""The lists of the demo's seminars are read as lists of people are, slips and all."""

import pytest

from casework.demo.seminars import Seminar, address_of, earlier_seminar, seminar
from casework.demo.sites import read_sites
from casework.demo.stories import PATIENT, SWIFT
from casework.domain.drives import ListedRow
from casework.lists.guessing import guess
from casework.lists.reading import read_table
from casework.lists.rows import parse_row

SITES = read_sites()
ALL, EARLIER = seminar(SITES), earlier_seminar(SITES)


def listed(of: Seminar) -> list[ListedRow]:
    """Read a list as an upload is read."""
    table = read_table(of.file, of.file_name)
    mapping, notes = guess(table.columns, table.rows)
    assert (mapping.unmapped, notes) == (("ลำดับ", "หมายเหตุ"), ())
    return [parse_row(mapping, row) for row in table.rows]


@pytest.mark.parametrize("of", [ALL, EARLIER], ids=lambda of: of.slug)
def test_it_has_as_many_rows_as_it_says(of: Seminar):
    assert len(listed(of)) == of.rows


def test_every_site_is_on_the_list_one_row_cannot_be_read_and_one_has_a_slip():
    rows = listed(ALL)
    assert [p.code for row in rows for p in row.problems] == ["province-unknown"]
    assert [note.code for row in rows for note in row.notes] == ["email"]
    sites = [row.site for row in rows if row.site is not None]
    assert len({site.name_en for site in sites}) == 150
    assert sum(site.email is None for site in sites) == 3
    assert sum(site.registration_no is None for site in sites) == 3


def test_the_earlier_seminar_has_five_with_an_address_and_none_with_a_story_of_its_own():
    names = {row.site.name_en for row in listed(EARLIER) if row.site and row.site.email}
    assert len(names) == 5
    assert names.isdisjoint(story.site for story in (*PATIENT, *SWIFT))


def test_everybody_has_an_address_of_their_own_and_none_can_be_reached():
    addresses = {address_of(site) for site in SITES}
    assert len(addresses) == 150
    assert all(address.endswith(".example") for address in addresses)
