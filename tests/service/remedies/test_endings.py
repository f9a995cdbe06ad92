from gradclinic.experiments.activations.identity import Identity
from gradclinic.experiments.activations.leaky_relu import LeakyReLU
from gradclinic.experiments.losses.cross_entropy import CrossEntropy
from gradclinic.experiments.losses.mse import MeanSquaredError
from gradclinic.experiments.output_activations.log_softmax import LogSoftmax
from gradclinic.remedies.endings import misfit, with_ending

from .experiments import READOUT, activation, layers, mlp


def test_the_declared_output_activation_comes_after_the_last_layer_of_the_list():
    both = layers(READOUT, activation("tanh"), output_activation="sigmoid")
    assert both.ending.name == "sigmoid"
    assert with_ending(both, None).ending is None
    assert layers(READOUT, activation("tanh")).ending.name == "tanh"
    assert mlp().ending is None


def test_logits_may_be_any_numbers_and_numbers_anything():
    assert [misfit(CrossEntropy(), ending) for ending in (None, Identity(), LeakyReLU())] == [None, None, None]
    assert misfit(MeanSquaredError(), LogSoftmax()) is None
    assert "expects logits" in misfit(CrossEntropy(), LogSoftmax())
