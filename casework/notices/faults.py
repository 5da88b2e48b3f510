"""Why a notice cannot be made."""


class NotComposable(Exception):
    """The notice cannot become a message: its case, its words or an address is missing.

    Trying again would not help, so its row fails with this text, which staff read.
    """
