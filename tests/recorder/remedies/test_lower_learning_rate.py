from gradclinic.remedies.lower_learning_rate import LowerLearningRate

from .programs import check


def test_it_multiplies_the_rate():
    assert check(LowerLearningRate(factor=0.25)).optimizer.param_groups[0]["lr"] == 0.025
