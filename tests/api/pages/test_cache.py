"""Kept answers stay within their bytes, and those that nobody asks for go first."""

from api.pages.cache import Rendered, page_cache


def page(size: int) -> Rendered:
    return Rendered(b"x" * size, "text/html", {})


def test_the_answer_that_was_not_asked_for_the_longest_goes_first() -> None:
    pages = page_cache(3 * page(1000).size)
    for address in ("/a", "/b", "/c"):
        pages[address] = page(1000)
    assert pages.get("/a") is not None
    pages["/d"] = page(1000)
    assert sorted(pages) == ["/a", "/c", "/d"]


def test_one_large_answer_makes_room_by_its_bytes() -> None:
    pages = page_cache(3 * page(1000).size)
    for address in ("/a", "/b", "/c"):
        pages[address] = page(1000)
    pages["/large"] = page(5000)
    assert sorted(pages) == ["/c", "/large"]


def test_an_answer_of_few_bytes_still_takes_memory() -> None:
    """Else a reader who asks for ever new searches without a result would fill the memory."""
    pages = page_cache(1_000_000)
    for number in range(1000):
        pages[f"/register.csv?q={number}"] = page(0)
    assert len(pages) < 250
