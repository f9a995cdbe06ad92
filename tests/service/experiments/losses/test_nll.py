from gradclinic.experiments.losses.nll import NegativeLogLikelihood

from .checks import keeps_its_constant


def test_its_constant_is_the_least_that_a_constant_output_reaches():
    keeps_its_constant(NegativeLogLikelihood(), task="classification")


def test_it_takes_log_probabilities():
    assert NegativeLogLikelihood().takes == "log_probabilities"
