"""The demo's data: real sites as in their source, fictional people, and nothing said twice."""

from collections import Counter
from datetime import UTC, datetime

from casework.demo.people import DOMAIN, person_of, staff_of
from casework.demo.sites import load_sites, read_sites
from casework.demo.stories import PATIENT, SWIFT, TOUR, tour_sites
from casework.domain.actors import ActorKind
from casework.domain.stages import Stage
from casework.people.directory import put_members
from casework.programs.provinces import provinces
from casework.store.database import Database

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def test_there_are_150_sites_in_56_provinces():
    sites = read_sites()
    assert len(sites) == 150
    assert len({site.province for site in sites}) == 56
    assert {site.province for site in sites} <= set(provinces())
    assert len({site.registration_no for site in sites}) == 150


def test_coordinates_are_in_thailand():
    for site in read_sites():
        assert 5 < site.latitude < 21, site
        assert 97 < site.longitude < 106, site


def test_loading_the_sites_twice_keeps_them_once(sqlite_database: Database):
    sites = read_sites()
    first = load_sites(sqlite_database, sites, NOW)
    assert load_sites(sqlite_database, sites, NOW) == first
    assert len(first) == len(set(first.values())) == 150


def test_every_province_has_somebody_for_each_part(sqlite_database: Database):
    places = {site.province for site in read_sites()}
    members = list(staff_of(provinces()[code] for code in sorted(places)))
    for code in places:
        for part in (ActorKind.OFFICER, ActorKind.INSPECTOR, ActorKind.REVIEWER):
            assert any(member.person == person_of(part, code) for member in members)
    assert all(member.email.endswith(f"@{DOMAIN}") for member in members)
    put_members(sqlite_database, members)


def test_each_story_has_a_site_of_its_own():
    names = Counter(site.name_en for site in read_sites())
    stories = [story.site for story in (*PATIENT, *SWIFT)]
    assert len(set(stories)) == len(stories)
    assert [name for name in stories if names[name] != 1] == []


def test_the_stories_reach_every_stage_that_needs_neither_a_drive_nor_weeks():
    reached = {story.goal.stage for story in (*PATIENT, *SWIFT)}
    by_drives_or_time = {Stage.NEW, Stage.INVITED, Stage.DECLINED, Stage.LAPSED, Stage.EXPIRED}
    assert reached == set(Stage) - by_drives_or_time


def test_the_swift_stories_say_no_more_than_one_address_may_in_a_minute():
    """The API takes ten representations a minute from one address; the tour adds one of them."""
    said = sum(len(story.goal.says) for story in SWIFT)
    assert said + 1 <= 10
    assert sum(len(story.goal.says) for story in PATIENT) <= 10


def test_each_start_has_another_site_to_walk():
    sites = read_sites()
    tours = tour_sites(sites)
    assert tours[0].name_en == "Khon Kaen Sugar Mill"
    assert len(tours) == 150 - len(PATIENT) - len(SWIFT)
    assert TOUR.stage is Stage.CERTIFIED
