import pytest
from pydantic import ValidationError

from gradclinic.experiments.layers.block import Block

from .built import computed, lowered, samples

BODY = [{"kind": "linear", "out_features": 3}, {"kind": "activation", "activation": "tanh"}]


def test_it_is_its_body_under_one_name():
    block = Block.model_validate({"body": BODY})
    node = lowered(block, 5)
    assert node.out_shape == (3,)
    assert [inner.name for inner in node.walk()] == ["0.block", "0.block.0.linear", "0.block.1.activation"]
    assert node.flops == sum(child.flops for child in node.children)
    assert block.count() == 3
    assert computed(block, samples(5)).abs().max() <= 1


def test_an_empty_one_is_refused():
    with pytest.raises(ValidationError, match="at least 1"):
        Block.model_validate({"body": []})
