"""What the register says of a certification."""

from enum import StrEnum


class RegisterStatus(StrEnum):
    """The status of a certification as the public sees it."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
