"""The communities around a site, which are told when its feedback period opens."""

from enum import StrEnum


class CommunityKind(StrEnum):
    """What a community is, so that an office knows whom it writes to."""

    LOCAL_GOVERNMENT = "local-government"
    VILLAGE_HEAD = "village-head"
    SCHOOL = "school"
    ASSOCIATION = "association"
    OTHER = "other"
