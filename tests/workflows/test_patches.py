"""The list of patches and the code agree."""

import re
from pathlib import Path

from workflows import _patches

CODE = Path(_patches.__file__).parent


def test_every_patch_in_the_code_is_listed_and_every_listed_one_is_used() -> None:
    """An id in one place alone is forgotten or unexplained."""
    used: set[str] = set()
    for file in CODE.glob("*.py"):
        if file.name != "_patches.py":
            used |= set(
                re.findall(r"workflow\.(?:deprecate_patch|patched)\((\w+)\)", file.read_text())
            )
    names = {name for name in vars(_patches) if name.isupper() and name != "PATCHES"}
    assert used == names
    assert {getattr(_patches, name) for name in names} == _patches.PATCHES
