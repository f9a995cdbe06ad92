import pytest
import torch

from gradclinic.experiments.layers.self_attention import SelfAttention

from .built import lowered, misfit, module, samples


def torchs(built, *, heads):
    reference = torch.nn.MultiheadAttention(6, heads, batch_first=True)
    with torch.no_grad():
        reference.in_proj_weight.copy_(built.qkv.weight)
        reference.in_proj_bias.copy_(built.qkv.bias)
        reference.out_proj.weight.copy_(built.out.weight)
        reference.out_proj.bias.copy_(built.out.bias)
    return reference


@pytest.mark.parametrize("heads", [1, 2, 3])
@pytest.mark.parametrize("causal", [False, True])
def test_it_is_torchs_multihead_attention(heads, causal):
    built, inputs = module(SelfAttention(heads=heads, causal=causal), 5, 6), samples(5, 6)
    mask = torch.nn.Transformer.generate_square_subsequent_mask(5) if causal else None
    expected, _ = torchs(built, heads=heads)(inputs, inputs, inputs, attn_mask=mask, need_weights=False)
    torch.testing.assert_close(built(inputs), expected)


def test_query_key_and_value_are_three_matrices_that_start_apart():
    qkv, out = (p for p in lowered(SelfAttention(heads=2), 5, 6).parameters if p.role == "weight")
    assert (qkv.shape, qkv.parts, qkv.fan_in, qkv.fan_out) == ((18, 6), 3, 6, 6)
    assert (out.shape, out.parts) == ((6, 6), 1)


def test_heads_must_divide_the_features():
    assert "divides 6" in misfit(SelfAttention(heads=4), 5, 6)
    assert "[steps, features]" in misfit(SelfAttention(), 6)
