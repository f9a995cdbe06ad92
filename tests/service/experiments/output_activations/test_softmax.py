import torch

from gradclinic.experiments.output_activations.softmax import Softmax
from gradclinic_workers.train.build import construct


def test_its_outputs_are_probabilities():
    outputs = construct(Softmax().call())(torch.tensor([[1.0, 2.0, 3.0], [-50.0, 0.0, 50.0]]))
    torch.testing.assert_close(outputs.sum(dim=1), torch.ones(2))
    low, high = Softmax.range
    assert bool(((outputs >= low) & (outputs <= high)).all())
