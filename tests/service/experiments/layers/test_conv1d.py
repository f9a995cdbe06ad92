import torch

from gradclinic.experiments.layers.conv1d import Conv1d

from .built import lowered, misfit, module, samples


def test_it_slides_along_the_steps_of_a_sequence():
    layer, inputs = Conv1d(out_channels=3, kernel_size=5, padding=0), samples(9, 2)
    built = module(layer, 9, 2)
    expected = torch.nn.functional.conv1d(inputs.mT, built.weight, built.bias).mT
    torch.testing.assert_close(built(inputs), expected)
    assert lowered(layer, 9, 2).out_shape == (5, 3)


def test_fans_count_the_receptive_field():
    weight = lowered(Conv1d(out_channels=3, kernel_size=5), 9, 2).parameters[0]
    assert (weight.fan_in, weight.fan_out) == (10, 15)


def test_it_takes_sequences_only():
    assert "[steps, features]" in misfit(Conv1d(out_channels=3), 9)
