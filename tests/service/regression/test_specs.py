"""What a baseline may point at."""

import pytest
from pydantic import ValidationError

from gradclinic.regression.specs import PinSpec


@pytest.mark.parametrize(
    "spec",
    [{"study_id": "std_1"}, {"study_id": "std_1", "arm": "wide"}, {"run_ids": ["run_1"]}, {"check_id": "chk_1"}],
)
def test_it_points_at_one_thing(spec):
    assert PinSpec.model_validate(spec).model_dump(mode="json", exclude_none=True) == spec


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, "exactly one of"),
        ({"study_id": "std_1", "check_id": "chk_1"}, "exactly one of"),
        ({"study_id": "std_1", "run_ids": ["run_1"], "check_id": "chk_1"}, "exactly one of"),
        ({"run_ids": ["run_1"], "arm": "wide"}, "needs a study_id"),
    ],
)
def test_it_points_at_nothing_else(spec, why):
    with pytest.raises(ValidationError, match=why):
        PinSpec.model_validate(spec)
