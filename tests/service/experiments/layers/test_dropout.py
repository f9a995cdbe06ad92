import pytest
import torch
from pydantic import ValidationError

from gradclinic.experiments.layers.dropout import Dropout

from .built import module, samples


def test_it_drops_a_share_in_training_and_keeps_the_mean():
    dropout = module(Dropout(p=0.25), 10_000)
    output = dropout(torch.ones(1, 10_000))
    assert 0.2 < float((output == 0).float().mean()) < 0.3
    assert abs(float(output.mean()) - 1) < 0.05


def test_it_does_nothing_in_evaluation():
    inputs = samples(5)
    assert torch.equal(module(Dropout(p=0.9), 5).eval()(inputs), inputs)


def test_dropping_everything_is_refused():
    with pytest.raises(ValidationError):
        Dropout(p=1.0)
