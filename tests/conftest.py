"""What every test gets: the fixtures of `tests.databases` and `tests.servers`, and a Hypothesis profile."""

import os

from hypothesis import settings

pytest_plugins = ["tests.databases", "tests.servers"]

# Speed differs too much between machines for a deadline per example. CI repeats the same examples,
# so that a change is judged by what it changed; at a desk every run looks for new ones.
settings.register_profile("desk", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")
