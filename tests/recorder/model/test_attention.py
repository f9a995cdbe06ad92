"""What a recording measures of attention, against the definition."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils.checkpoint import checkpoint

from gradclinic_torch import Recording
from gradclinic_torch.measure.transformer import QUERIES, of_attention
from gradclinic_torch.model.attention import attentions_since, number_now
from gradclinic_torch.sites import attention
from tests.recorder.loops import same, weights_of

STEPS, HEADS, WIDTH = 10, 2, 4


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape))).requires_grad_()


def naive(queries: Tensor, keys: Tensor, visible: Tensor, bias: Tensor) -> tuple[float, float]:
    """The largest logit and the mean relative entropy, one query at a time."""
    queries, keys, largest, fractions = queries.detach(), keys.detach(), 0.0, []
    for sample in range(len(queries)):
        for head in range(queries.shape[1]):
            for step in range(queries.shape[2]):
                seen = [key for key in range(keys.shape[2]) if visible[step, key]]
                logits = torch.stack([queries[sample, head, step] @ keys[sample, head, key] for key in seen]) / 2.0
                largest = max(largest, float(logits.abs().max()))
                weights = (logits + bias[step, seen]).double().softmax(dim=0)
                if len(seen) > 1:
                    fractions.append(float(-(weights * weights.log()).sum() / torch.tensor(len(seen)).double().log()))
    return largest, sum(fractions) / len(fractions)


Attend = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
CAUSAL = torch.ones(STEPS, STEPS, dtype=torch.bool).tril()


def fused(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, is_causal=True)


def masked(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, attn_mask=CAUSAL)


def added(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, attn_mask=bias.masked_fill(~CAUSAL, -torch.inf))


def with_dropout(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=0.1)


def written_out(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    logits = (q @ k.mT) * 0.5 + bias
    return logits.masked_fill(~CAUSAL, torch.finfo(torch.float32).min).softmax(dim=-1) @ v


def divided(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    return torch.where(CAUSAL, (q @ k.mT) / 2.0, -torch.inf).softmax(dim=-1) @ v


@pytest.mark.parametrize("attend", [fused, masked, added, with_dropout, written_out, divided])
def test_the_numbers_of_an_attention_are_those_of_its_definition(attend: Attend) -> None:
    assert STEPS <= QUERIES  # no query is left out
    q, k, v = (3.0 * drawn(2, HEADS, STEPS, WIDTH), drawn(2, HEADS, STEPS, WIDTH + 0), drawn(2, HEADS, STEPS, WIDTH))
    bias = drawn(STEPS, STEPS).detach() if attend in (added, written_out) else torch.zeros(STEPS, STEPS)
    began = number_now()
    (found,) = [each for _, each in attentions_since(began, attend(q, k, v, bias).sum().grad_fn)]
    largest, entropy = of_attention(found).tolist()
    assert (largest, entropy) == pytest.approx(naive(q, k, CAUSAL, bias), rel=1e-5)


def test_logits_are_those_before_a_soft_cap_and_weights_those_after_it() -> None:
    q, k, v = 30.0 * drawn(2, HEADS, STEPS, WIDTH), drawn(2, HEADS, STEPS, WIDTH), drawn(2, HEADS, STEPS, WIDTH)
    began = number_now()
    logits = (q @ k.mT) * 0.5
    weights = (((logits / 5.0).tanh() * 5.0) + torch.zeros(STEPS, STEPS)).softmax(dim=-1)
    (found,) = [each for _, each in attentions_since(began, (weights @ v).sum().grad_fn)]
    largest, entropy = of_attention(found).tolist()
    assert largest == pytest.approx(float(logits.detach().abs().max()), rel=1e-5)
    weights = weights.detach()
    expected = -torch.special.xlogy(weights, weights).sum(-1).mean() / torch.tensor(float(STEPS)).log()
    assert entropy == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.skipif(
    "enable_gqa" not in str(scaled_dot_product_attention.__doc__), reason="torch shares heads of keys since 2.5"
)
def test_heads_of_keys_may_be_shared() -> None:
    q, k = drawn(2, HEADS, STEPS, WIDTH), drawn(2, 1, STEPS, WIDTH)
    began = number_now()
    out = scaled_dot_product_attention(q, k, k, is_causal=True, enable_gqa=True)
    (found,) = [each for _, each in attentions_since(began, out.grad_fn)]
    expected = naive(q, k.expand(2, HEADS, STEPS, WIDTH), CAUSAL, torch.zeros(STEPS, STEPS))
    assert of_attention(found).tolist() == pytest.approx(expected, rel=1e-5)


def test_a_softmax_that_is_no_attention_is_none() -> None:
    began = number_now()
    assert not list(attentions_since(began, (drawn(4, 8) @ drawn(8, 8)).softmax(dim=-1).sum().grad_fn))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(8), nn.MultiheadAttention(8, 2, batch_first=True)
        self.up, self.down = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        x = x + self.attention(normed, normed, normed)[0]
        return x + self.down(torch.relu(self.up(x)))


class Small(nn.Module):
    def __init__(self, *, checkpointed: bool) -> None:
        super().__init__()
        self.words, self.blocks = nn.Embedding(11, 8), nn.ModuleList(Block() for _ in range(3))
        self.readout, self.checkpointed = nn.Linear(8, 11), checkpointed

    def forward(self, words: Tensor) -> Tensor:
        x = self.words(words)
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.checkpointed else block(x)
        return self.readout(x).flatten(0, 1)


def trained(*, record: bool = True, checkpointed: bool = False) -> tuple[nn.Module, Recording | None]:
    torch.manual_seed(0)
    model, criterion = Small(checkpointed=checkpointed), nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    recording = Recording(model, optimizer, criterion) if record else None
    for _ in range(12):
        words = torch.randint(11, (4, 6))
        optimizer.zero_grad()
        loss = criterion(model(words), words.flatten())
        loss.backward()
        if recording is not None:
            recording.after_backward(loss)
        optimizer.step()
    if recording is not None:
        recording.finish()
    return model, recording


def test_each_attention_is_a_site_and_training_is_the_same_with_a_recording() -> None:
    model, recording = trained()
    assert recording is not None
    record = recording.record
    names = [f"blocks.{index}.attention" for index in range(3)]
    assert [site.name for site in record.sites if site.kind == "attention"] == names
    logits, entropy = record.get("attention_logit_max"), record.get("attention_entropy")
    assert logits.steps.tolist()[:5] == [*range(5)]
    of_them = [site.kind == "attention" for site in record.sites]
    assert (logits.values[:, of_them] > 0).all()
    assert ((entropy.values[:, of_them] > 0.9) & (entropy.values[:, of_them] <= 1.0)).all()
    assert same(weights_of(model), weights_of(trained(record=False)[0]))


def test_the_residual_stream_and_the_embeddings_are_measured() -> None:
    _, recording = trained()
    assert recording is not None
    record = recording.record
    blocks = [index for index, site in enumerate(record.sites) if site.kind == "block_output"]
    ranks = record.get("effective_rank").values[0, blocks]
    assert ((ranks > 1) & (ranks <= 8)).all()
    assert (record.get("site_max_abs").values >= record.get("preactivation_rms").values).all()
    assert record.get("embedding_norm_l2").values[0, 0] == pytest.approx(88**0.5, rel=0.2)


def test_an_attention_is_measured_when_a_checkpoint_computes_it_again() -> None:
    model, recording = trained(checkpointed=True)
    _, without = trained()
    assert recording is not None
    assert without is not None
    assert recording.over is None
    for name in ("attention_logit_max", "attention_entropy"):
        found, expected = recording.record.get(name), without.record.get(name)
        assert len(found.steps)
        assert found.steps.tolist() == expected.steps.tolist()
        assert attended(recording, name) == pytest.approx(attended(without, name), rel=1e-5)
    assert same(weights_of(model), weights_of(trained(record=False, checkpointed=True)[0]))


def attended(recording: Recording, name: str) -> list[float]:
    """The values of all attentions, step by step."""
    return [
        float(value)
        for row in recording.record.get(name).values
        for value, site in zip(row, recording.record.sites, strict=True)
        if site.kind == "attention"
    ]


def test_an_attention_that_cannot_be_measured_costs_the_recording_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> Tensor:
        raise RuntimeError("injected")

    monkeypatch.setattr(attention, "of_attention", fails)
    _, recording = trained()
    assert recording is not None
    assert recording.over is None
    assert not len(recording.record.get("attention_logit_max"))
    assert len(recording.record.get("effective_rank"))


class WithSoftmax(nn.Module):
    """An attention whose softmax is a module of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.queries_keys, self.values, self.softmax = nn.Linear(8, 16), nn.Linear(8, 8), nn.Softmax(dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        queries, keys = self.queries_keys(x).chunk(2, dim=-1)
        return self.softmax((queries @ keys.mT) * 8**-0.5) @ self.values(x)


def test_an_attention_belongs_to_the_module_that_computes_it_not_to_its_softmax() -> None:
    model, criterion = nn.Sequential(nn.Embedding(11, 8), WithSoftmax(), nn.Linear(8, 11)), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        words = torch.arange(12).reshape(2, 6) % 11
        loss = criterion(model(words).flatten(0, 1), words.flatten())
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    measured = recording.record.get("attention_logit_max").values[0]
    sites = zip(recording.record.sites, measured, strict=True)
    assert [site.name for site, logit in sites if logit == logit] == ["1"]
