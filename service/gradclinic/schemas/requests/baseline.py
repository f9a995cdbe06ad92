"""Requests about baselines."""

from pydantic import ConfigDict

from ...regression import PinSpec


class BaselineRequest(PinSpec):
    """The runs of a baseline: an arm of a study, the runs of a check, or a list of runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"study_id": "study_01K0A", "arm": "relu"},
                {"run_ids": ["run_01K0A", "run_01K0B"]},
                {"check_id": "check_01K0A"},
            ]
        }
    )
