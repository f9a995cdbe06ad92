"""Comparisons, as they are asked for."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ...kernel.names import Name
from ...kernel.spec import Items, Spec


class ComparisonRequest(Spec):
    """Runs to compare, as the arms of a study would be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"runs": ["run_01K0A", "run_01K0B"], "baseline": "run_01K0A"}]}
    )

    runs: Annotated[Items[Name], Field(min_length=2, max_length=500)]
    """Identifiers of runs; those with the same arm (or name) and other seeds belong together."""
    baseline: Name
    """The run whose arm the others are compared with."""
