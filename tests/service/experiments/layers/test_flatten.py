import torch

from gradclinic.experiments.layers.flatten import Flatten

from .built import computed, lowered, samples


def test_it_lays_a_sample_out_in_one_row_at_no_cost():
    image = samples(2, 3, 4)
    assert torch.equal(computed(Flatten(), image), image.reshape(4, 24))
    assert lowered(Flatten(), 2, 3, 4).flops == 0
