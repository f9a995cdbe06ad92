import torch

from gradclinic.experiments.output_activations.log_softmax import LogSoftmax
from gradclinic_workers.train.build import construct


def test_its_outputs_are_the_logarithms_of_probabilities():
    outputs = construct(LogSoftmax().call())(torch.tensor([[1.0, 2.0, 3.0]]))
    torch.testing.assert_close(outputs.exp().sum(), torch.tensor(1.0))
    assert bool((outputs <= LogSoftmax.range[1]).all())
