"""What strangers write about themselves: the fields of forms, checked before anything keeps them."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from casework.domain._model import REF_PATTERN

_REF = re.compile(REF_PATTERN)


class RequestBody(BaseModel):
    """The base of request bodies. Unknown fields are rejected: they are usually typos."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _one_line(text: str) -> str:
    if any(unicodedata.category(letter) in {"Cc", "Zl", "Zp"} for letter in text):
        raise ValueError("one line without control characters")
    return text


Name = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    AfterValidator(_one_line),
]
"""The name of a person or a firm: one line, because it also stands in the head of letters."""

Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=600),
    AfterValidator(_one_line),
]
"""A postal address in one line."""

ShortCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=64),
    AfterValidator(_one_line),
]
"""A registration or telephone number as people write it."""


def is_ref(text: str) -> bool:
    """Say whether a text may be the id of a case, a drive or a person."""
    return _REF.fullmatch(text) is not None
