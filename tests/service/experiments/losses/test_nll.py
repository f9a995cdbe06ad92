import pytest

from gradclinic.experiments.losses.nll import NegativeLogLikelihood

from .checks import said_and_found


def test_its_constant_is_the_least_that_a_constant_output_reaches():
    said, found = said_and_found(NegativeLogLikelihood(), task="classification")
    assert said == pytest.approx(found, rel=1e-4)


def test_it_takes_log_probabilities():
    assert NegativeLogLikelihood().takes == "log_probabilities"
