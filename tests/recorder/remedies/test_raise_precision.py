import pytest
import torch

from gradclinic.remedies.raise_precision import RaisePrecision
from gradclinic_torch.remedies.loop import code_between

from .programs import applied, loop, refusal


@pytest.mark.parametrize(("precision", "code"), [("float32", "no torch.autocast"), ("bfloat16", "torch.bfloat16")])
def test_the_loss_is_computed_in_another_precision(precision, code):
    before = loop(precision="float16")
    found = applied(RaisePrecision(precision=precision), to=loop(precision="float16"))
    assert found.precision == precision
    assert code in code_between(before, found)
    assert before.with_outputs(before.batch)[1].dtype == torch.float16
    assert found.with_outputs(found.batch)[1].dtype == getattr(torch, precision)


def test_a_study_without_a_precision_and_one_that_is_wide_enough_are_refused():
    assert "pass precision= to it" in refusal(RaisePrecision(), to=loop())
    assert "already has the range" in refusal(RaisePrecision(precision="bfloat16"), to=loop(precision="bfloat16"))
