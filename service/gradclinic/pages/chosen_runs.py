"""The address of the page that shows chosen runs."""

from collections.abc import Sequence
from urllib.parse import urlencode

MOST = 24
"""Runs that are shown side by side."""


def address_of(run_ids: Sequence[str]) -> str:
    """The page of a run, or of several side by side: of the first ones, if they are too many."""
    if len(run_ids) == 1:
        return f"/runs/{run_ids[0]}"
    return f"/compare?{urlencode([('run', each) for each in run_ids[:MOST]])}"
