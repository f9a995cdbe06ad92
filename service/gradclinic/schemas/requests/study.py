"""Requests about studies."""

from pydantic import ConfigDict

from ...comparison.study import StudySpec
from ..examples import EXPERIMENT


class StudyRequest(StudySpec):
    """One experiment, several arms, several seeds. The number of runs is arms x seeds x sweep points."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "experiment": EXPERIMENT,
                    "arms": [
                        {"name": "relu", "remedies": [{"kind": "swap_activation", "activation": "relu"}]},
                        {"name": "batch norm", "remedies": [{"kind": "add_batch_norm"}]},
                    ],
                    "seeds": [0, 1, 2, 3, 4],
                    "name": "which remedy cures it?",
                }
            ]
        }
    )
