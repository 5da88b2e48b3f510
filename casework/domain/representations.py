"""What the community says of a site."""

from enum import StrEnum


class Stance(StrEnum):
    """How a representation stands to the certification."""

    SUPPORT = "support"
    NEUTRAL = "neutral"
    OBJECTION = "objection"
