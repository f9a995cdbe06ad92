from dataclasses import replace

import pytest

from gradclinic.measurements.preflight import PrecisionFacts
from gradclinic.remedies.raise_precision import RaisePrecision

from ..diagnosis.records import healthy_record
from ..diagnosis.seen import CLASSIFIER
from .experiments import applied, changes, mlp, refusal


def within(precision):
    return mlp(experiment_changes={"training": {"precision": precision}})


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_float16_gives_way_to_a_larger_range(precision):
    assert changes(RaisePrecision(precision=precision), within("float16")) == ["/training/precision"]
    assert applied(RaisePrecision(precision=precision), within("float16")).training.precision == precision


def test_what_reaches_as_far_already_is_refused():
    assert "float32 already has the range" in refusal(RaisePrecision(), within("float32"))
    assert "float32 already has the range" in refusal(RaisePrecision(precision="bfloat16"), within("float32"))
    assert "bfloat16 already has the range" in refusal(RaisePrecision(precision="bfloat16"), within("bfloat16"))
    assert applied(RaisePrecision(), within("bfloat16")).training.precision == "float32"


@pytest.mark.parametrize(("lowest", "there"), [("float16", False), ("float32", True), ("float64", True)])
def test_a_recorded_training_in_float32_has_it_in_place(lowest, there):
    seen = CLASSIFIER.model_copy(update={"precision": PrecisionFacts(lowest=lowest, scaled=False)})
    assert RaisePrecision().in_place(replace(healthy_record(), preflight=seen)) == there
