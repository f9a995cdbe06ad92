"""Requests about comparisons."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ...kernel.names import Name
from ...kernel.spec import Items, Spec


class ComparisonRequest(Spec):
    """Runs to compare like the arms of a study."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"runs": ["run_01K0A", "run_01K0B"], "baseline": "run_01K0A"}]}
    )

    runs: Annotated[Items[Name], Field(min_length=2, max_length=500)]
    """Run ids. Runs with the same arm (or name) and different seeds form one arm."""
    baseline: Name
    """A run of the arm with which the others are compared."""
