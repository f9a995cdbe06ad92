"""Attention that goes wrong is named before the loss shows it, and sharp attention that a task needs is sound."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from gradclinic.diagnosis import Diagnosis
from gradclinic_torch import Recording

pytestmark = pytest.mark.slow

WORDS, LENGTH, WIDTH, HEADS = 16, 16, 32, 2


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.second_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.queries_keys, self.values = nn.Linear(WIDTH, 2 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.hidden = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        parts = (*self.queries_keys(normed).chunk(2, dim=-1), self.values(normed))
        heads = [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in parts]
        x = x + scaled_dot_product_attention(*heads, is_causal=True).transpose(1, 2).flatten(2)
        return x + self.hidden(self.second_norm(x))


class Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(LENGTH, WIDTH)
        self.blocks = nn.Sequential(Block(), Block(), Block())
        self.norm, self.readout = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WORDS)

    def forward(self, words: Tensor) -> Tensor:
        x = 0.3 * (self.words(words) + self.places(torch.arange(LENGTH)))
        return self.readout(self.norm(self.blocks(x)))


def diagnosis(*, steps: int, rate: float = 3e-3, rate_of_attention: float = 3e-3, larger: float = 1.0) -> Diagnosis:
    """Of a training whose targets are the first word of each text: every query must look at one key."""
    torch.manual_seed(0)
    model, criterion = Transformer(), nn.CrossEntropyLoss()
    attention = [block.queries_keys.weight for block in model.blocks]
    with torch.no_grad():
        for weight in attention:
            weight.mul_(larger)
    others = [each for each in model.parameters() if not any(each is weight for weight in attention)]
    groups = [{"params": others, "lr": rate}, {"params": attention, "lr": rate_of_attention}]
    optimizer = torch.optim.Adam(groups)
    with Recording(model, optimizer, criterion, steps=steps) as recording:
        for _ in range(steps):
            words = torch.randint(WORDS, (32, LENGTH))
            optimizer.zero_grad()
            outputs, targets = model(words).flatten(0, 1), words[:, :1].expand_as(words).flatten()
            loss = criterion(outputs, targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    return recording.diagnosis()


ATTENTION = ("growing_attention_logits", "collapsed_attention")


def test_an_attention_that_looks_at_one_key_because_its_task_needs_that_is_healthy() -> None:
    found = diagnosis(steps=150)
    assert found.primary == "healthy"
    assert not any(finding.condition in ATTENTION for finding in found.findings)


@pytest.mark.parametrize(
    ("fault", "blamed"),
    [
        ({"larger": 10.0}, "initialization"),
        ({"rate_of_attention": 0.3}, "learning_rate"),
        ({"rate": 0.3, "rate_of_attention": 0.3}, "learning_rate"),
    ],
)
def test_weights_that_are_too_large_and_steps_that_are_too_large_are_named_within_40_steps(
    fault: dict[str, float], blamed: str
) -> None:
    found = {each.condition: each for each in diagnosis(steps=40, **fault).findings}
    for condition in ATTENTION:
        assert found[condition].first_step <= 20
        assert found[condition].blames[0] == blamed
