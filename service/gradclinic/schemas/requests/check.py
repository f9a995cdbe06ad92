"""Requests about checks."""

from pydantic import ConfigDict

from ...regression import CheckSpec
from ..examples import EXPERIMENT


class CheckRequest(CheckSpec):
    """A new result to compare with a baseline. Without an experiment, the baseline's experiment is trained again."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"baseline": "main"},
                {
                    "baseline": "main",
                    "experiment": EXPERIMENT,
                    "seeds": [0, 1, 2, 3, 4],
                    "margins": {"final_validation_loss": 0.1},
                    "name": "nightly",
                },
            ]
        }
    )
