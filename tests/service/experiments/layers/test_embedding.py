import torch

from gradclinic.experiments.layers.embedding import Embedding

from .built import lowered, misfit, module


def test_each_symbol_has_a_vector():
    embedding = module(Embedding(symbols=5, width=3), 2)
    symbols = torch.tensor([[4, 0]])
    assert torch.equal(embedding(symbols)[0], embedding.weight[[4, 0]])
    assert lowered(Embedding(symbols=5, width=3), 2).out_shape == (2, 3)


def test_its_table_is_not_a_weight_of_any_depth():
    node = lowered(Embedding(symbols=5, width=3), 2)
    assert node.parameters[0].role == "table"
    assert not node.weighted


def test_it_takes_steps_of_symbols_only():
    assert "of symbols" in misfit(Embedding(symbols=5, width=3), 2, 3)
