import torch

from gradclinic.experiments.layers.last_step import LastStep

from .built import computed, misfit, samples


def test_it_keeps_the_last_step():
    inputs = samples(5, 3)
    assert torch.equal(computed(LastStep(), inputs), inputs[:, 4])


def test_it_takes_sequences_only():
    assert "does not accept the input shape [3]" in misfit(LastStep(), 3)
