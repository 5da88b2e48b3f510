"""Whether a reader has an answer already, as If-None-Match says it."""

import pytest
from starlette.requests import Request

from api.http.caching import is_not_modified


def asking(known: str | None) -> Request:
    headers = [] if known is None else [(b"if-none-match", known.encode())]
    return Request({"type": "http", "headers": headers})


@pytest.mark.parametrize("known", ['"7"', 'W/"7"', '"6", W/"7"', "*", ' "7" '])
def test_a_tag_among_those_that_are_known_is_enough(known: str) -> None:
    assert is_not_modified(asking(known), '"7"')


@pytest.mark.parametrize("known", [None, "", '"6"', '"77"', "7", '"*"'])
def test_any_other_tag_is_not(known: str | None) -> None:
    assert not is_not_modified(asking(known), '"7"')
