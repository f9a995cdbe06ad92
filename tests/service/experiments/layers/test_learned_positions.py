import torch

from gradclinic.experiments.layers.learned_positions import LearnedPositions

from .built import lowered, misfit, module, samples


def test_it_adds_its_table_to_every_sample():
    positions, inputs = module(LearnedPositions(), 5, 3), samples(5, 3)
    assert torch.equal(positions(inputs), inputs)
    with torch.no_grad():
        positions.table += 1
    assert torch.equal(positions(inputs), inputs + 1)


def test_its_table_starts_small():
    assert lowered(LearnedPositions(), 5, 3).parameters[0].deviation == 0.02


def test_it_takes_sequences_only():
    assert "[steps, features]" in misfit(LearnedPositions(), 3)
