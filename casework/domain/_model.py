"""The base of every value in the domain and the limits on what people may write."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)


class Frozen(BaseModel):
    """A value that never changes; an unknown field is an error, because a typing slip is not an option."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")


class Compact(Frozen):
    """A value that Temporal's history keeps many copies of: written without the fields that have their default."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, serialize: SerializerFunctionWrapHandler) -> dict[str, object]:
        fields = type(self).model_fields
        written: dict[str, object] = serialize(self)
        return {
            name: value
            for name, value in written.items()
            if getattr(self, name) != fields[name].default
        }


class Row(Frozen):
    """A value of few words, written on one line: ``EN-10 must 8 document required false true``.

    The fields stand in order, without the last ones that have their default. A case carries dozens of these
    through its history, where field names would weigh more than what they name.
    """

    @model_serializer(mode="wrap")
    def _on_one_line(self, serialize: SerializerFunctionWrapHandler) -> str:
        written = list(serialize(self).items())
        fields = type(self).model_fields
        while getattr(self, written[-1][0]) == fields[written[-1][0]].default:
            written.pop()
        return " ".join(
            str(word).lower() if isinstance(word, bool) else str(word) for _, word in written
        )

    @model_validator(mode="before")
    @classmethod
    def _from_one_line(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        words = value.split(" ")
        if len(words) > len(cls.model_fields):
            raise ValueError(f"at most {len(cls.model_fields)} words")
        return dict(zip(cls.model_fields, words, strict=False))


Instant = Annotated[
    AwareDatetime,
    Field(ge=datetime(1, 1, 3, tzinfo=UTC), le=datetime(9999, 12, 29, tzinfo=UTC)),
]
"""A moment with its zone. The engine stores UTC; pages show Bangkok time.

The first and last days that Python knows are none: in another zone they are beyond its calendar.
"""

_NO_NUL = r"^[^\x00]*$"
"""PostgreSQL takes every character but this one, and what a case has accepted must be recordable."""


class Written:
    """Marks a field in which people write what they like.

    Such words may say who somebody is, so that they are erasable: whoever keeps an act for good keeps a
    reference in their place.
    """


WRITTEN = Written()

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=_NO_NUL),
    WRITTEN,
]
"""What a person wrote as a reason or an answer: 1 to 4,000 characters (12 KB in Thai)."""

Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=600, pattern=_NO_NUL),
    WRITTEN,
]
"""One remark among many in the same act: 1 to 600 characters, so that a whole checklist stays under 64 KiB."""

Title = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=_NO_NUL), WRITTEN]
"""What a person calls a file: 1 to 120 characters."""

REF_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"

Ref = Annotated[str, StringConstraints(pattern=REF_PATTERN)]
"""An opaque reference to a person, contact or establishment. It holds no e-mail address: the pattern has no @."""

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$")]
"""A short code from a program: a criterion, a level, an item of an application."""

ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]$")]
"""The two digits of ISO 3166-2:TH, equal to the administrative code of the province."""

EvidenceRef = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of a stored file, in lower-case hexadecimal."""
