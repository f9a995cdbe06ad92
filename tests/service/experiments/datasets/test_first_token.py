import numpy as np
import pytest
from pydantic import ValidationError

from gradclinic.experiments.datasets.first_token import FirstToken

from .checks import check_samples, differs_by_seed


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(FirstToken())


def test_the_first_value_alone_is_the_class_and_stays_as_it_is():
    split = FirstToken().sample("sequence")
    np.testing.assert_array_equal(split.train.inputs[:, 0, 0], 2.0 * split.train.targets - 1.0)
    assert split.train.inputs[:, 1:].std() == pytest.approx(0.7, abs=0.02)
    assert differs_by_seed(FirstToken())


def test_its_length_is_a_knob():
    assert FirstToken(length=7).forms()["sequence"] == (7, 1)
    with pytest.raises(ValidationError):
        FirstToken(length=1)
