import pytest
from pydantic import ValidationError

from .lowered import kinds, lowered, profile


def transformer(**changes):
    model = {"kind": "transformer", "depth": 3, "width": 8, "heads": 2, "mlp_ratio": 2, "activation": "gelu"}
    return {**model, **changes}


def inside(network):
    return [node.kind for node in network.nodes[2].children]


def test_its_profile_is_the_embedding_and_the_output_of_its_blocks():
    network = lowered(transformer(), "digit_rows")
    assert kinds(network) == ["linear", "learned_positions", "block", "block", "block", "global_avg_pool", "linear"]
    assert profile(network) == ["0.linear", "2.block", "3.block", "4.block"]
    assert network.nodes[1].out_shape == (8, 8)


def test_norms_stand_before_or_after_each_sublayer():
    plain = ["self_attention", "linear", "activation", "linear"]
    assert inside(lowered(transformer(), "digit_rows")) == plain
    before = lowered(transformer(normalization="pre_layer_norm"), "digit_rows")
    assert inside(before) == ["layer_norm", "self_attention", "layer_norm", "linear", "activation", "linear"]
    after = lowered(transformer(normalization="post_layer_norm", skip={}), "digit_rows")
    assert inside(after) == ["residual", "layer_norm", "residual", "layer_norm"]
    within = lowered(transformer(normalization="pre_layer_norm", skip={}), "digit_rows")
    assert inside(within) == ["residual", "residual"]


def test_heads_that_cannot_share_the_width_are_refused():
    with pytest.raises(ValidationError, match="the width 8 cannot be divided among 3 heads"):
        lowered(transformer(heads=3), "digit_rows")
