"""Requests about prescriptions."""

from pydantic import ConfigDict

from ...prescription import PrescriptionSpec
from ..examples import EXPERIMENT


class PrescriptionRequest(PrescriptionSpec):
    """An experiment that trains badly, and the budget for finding a cure."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"experiment": EXPERIMENT, "budget": {"seconds": 240, "runs": None}}]}
    )
