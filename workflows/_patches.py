"""Patch ids of the workflows: what each changed, since when, and when it may go.

A case lives for years and moves to new code between any two acts (``AUTO_UPGRADE``). A change that alters the
commands of a running case stands behind ``workflow.patched(<id>)``; the id is a constant here with three lines of
comment: what it changed, the release that opened it, and what must be true before it may be removed (no open run
older than that release, and its recorded histories retired). ``tests/workflows/test_patches.py`` holds code and this
list together.
"""

PATCHES: frozenset[str] = frozenset()
"""The ids in use. None yet: no release has left histories behind that a later one had to change."""
