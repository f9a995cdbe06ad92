"""Prescriptions, as they are asked for."""

from pydantic import ConfigDict

from ...prescription import PrescriptionSpec
from ..examples import EXPERIMENT


class PrescriptionRequest(PrescriptionSpec):
    """A sick experiment, and what finding its cure may cost."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"experiment": EXPERIMENT, "budget": {"seconds": 240, "runs": None}}]}
    )
