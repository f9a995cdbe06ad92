import numpy as np
import pytest

from gradclinic.experiments.datasets.circles import Circles

from .checks import check_samples, check_standard


def test_its_samples_are_as_declared_and_fixed_by_its_own_seed():
    check_samples(Circles())


def test_one_scalar_keeps_circles_round():
    check_standard(Circles(noise=0.0))
    split = Circles(noise=0.0).sample("flat")
    radius = np.linalg.norm(split.train.inputs - split.train.inputs.mean(axis=0), axis=1)
    inner, outer = radius[split.train.targets == 1], radius[split.train.targets == 0]
    assert inner.mean() / outer.mean() == pytest.approx(0.5, abs=0.02)
