"""Which modules are taken for blocks, whose outputs the depth consists of."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from gradclinic.measurements.record import RunRecord

from ..loops import digits, recorded


def profile_of(model: nn.Module) -> list[tuple[str, str]]:
    recording = recorded(model, digits(steps=12, batch_size=16))
    assert recording.over is None
    record: RunRecord = recording.record
    return [(site.name, site.kind) for site in record.sites if site.in_profile]


class LowRank(nn.Module):
    """A frozen layer and a low-rank change beside it, which starts at 0 (LoRA)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.base, self.a, self.b = nn.Linear(inputs, outputs), nn.Linear(inputs, 2), nn.Linear(2, outputs)
        self.base.requires_grad_(False)
        nn.init.zeros_(self.b.weight)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.base(x) + self.b(self.a(nn.functional.dropout(x, 0.1))) * 2.0
        return found


class Residual(nn.Module):
    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.norm, self.first, self.second = nn.LayerNorm(64), first, second

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.second(torch.relu(self.first(self.norm(x))))
        return found


def test_a_layer_with_a_low_rank_change_is_no_residual_block() -> None:
    blocks = [Residual(LowRank(64, 64), LowRank(64, 64)) for _ in range(3)]
    model = nn.Sequential(nn.Linear(64, 64), *blocks, nn.Linear(64, 10))
    assert profile_of(model) == [
        ("0", "pre_activation"), ("1", "block_output"), ("2", "block_output"), ("3", "block_output"),
    ]  # fmt: skip


def test_layers_with_low_rank_changes_in_a_row_are_the_depth() -> None:
    layers = [module for _ in range(4) for module in (LowRank(64, 64), nn.ReLU())]
    assert [name for name, _ in profile_of(nn.Sequential(nn.Linear(64, 64), *layers, nn.Linear(64, 10)))] == [
        "0", "1", "3", "5", "7",
    ]  # fmt: skip


class ToTuple(Residual):
    def forward(self, x: Tensor) -> tuple[Tensor, None]:  # type: ignore[override]
        return super().forward(x), None


class First(nn.Module):
    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.block(x)[0]
        return found


def test_a_block_may_return_more_than_its_output() -> None:
    blocks = [First(ToTuple(nn.Linear(64, 64), nn.Linear(64, 64))) for _ in range(3)]
    model = nn.Sequential(nn.Linear(64, 64), *blocks, nn.Linear(64, 10))
    assert profile_of(model) == [
        ("0", "pre_activation"), ("1.block", "block_output"), ("2.block", "block_output"), ("3.block", "block_output"),
    ]  # fmt: skip


class Layer(nn.Module):
    """Half of its weights are in an inner block (BERT's attention), the others are its own."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = Residual(nn.Linear(64, 64), nn.Linear(64, 64))
        self.up, self.down = nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention(x)
        found: Tensor = x + self.down(torch.relu(self.up(x)))
        return found


def test_an_inner_block_that_is_only_a_part_of_a_block_is_none() -> None:
    model = nn.Sequential(nn.Linear(64, 64), *(Layer() for _ in range(3)), nn.Linear(64, 10))
    assert [name for name, _ in profile_of(model)] == ["0", "1", "2", "3"]


class Branches(nn.Module):
    """Several ways at once, side by side at the end (Inception)."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleList(nn.Linear(64, 16) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([torch.relu(way(x)) for way in self.ways], 1)


def test_where_ways_come_together_is_a_place_of_the_depth() -> None:
    model = nn.Sequential(nn.Linear(64, 64), *(Branches() for _ in range(3)), nn.Linear(64, 10))
    assert profile_of(model) == [
        ("0", "pre_activation"), ("1", "block_output"), ("2", "block_output"), ("3", "block_output"),
    ]  # fmt: skip


def test_the_first_block_above_what_is_frozen_is_one_like_the_others() -> None:
    blocks = [Residual(LowRank(64, 64), LowRank(64, 64)) for _ in range(3)]
    stem = nn.Linear(64, 64).requires_grad_(False)
    for block in blocks:
        block.norm.requires_grad_(False)
    assert [name for name, _ in profile_of(nn.Sequential(stem, *blocks, nn.Linear(64, 10)))] == ["1", "2", "3"]


class Checkpointed(nn.Module):
    """A model that is computed again in backward, part by part."""

    def __init__(self, parts: list[nn.Module], *, reentrant: bool) -> None:
        super().__init__()
        self.stem, self.parts, self.head = nn.Linear(64, 64), nn.ModuleList(parts), nn.Linear(64, 10)
        self.reentrant = reentrant

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for part in self.parts:
            x = checkpoint(part, x, use_reentrant=self.reentrant)
        found: Tensor = self.head(x)
        return found


class Itself(Residual):
    """A block that checkpoints its own forward, as those of transformers do."""

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = checkpoint(super().forward, x, use_reentrant=True)
        return found


def plain() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh())


@pytest.mark.parametrize("residual", [False, True])
def test_a_reentrant_checkpoint_changes_neither_the_order_nor_the_numbers(residual: bool) -> None:
    records = []
    for reentrant in (False, True):
        torch.manual_seed(0)
        parts = [Residual(nn.Linear(64, 64), nn.Linear(64, 64)) if residual else plain() for _ in range(3)]
        records.append(recorded(Checkpointed(parts, reentrant=reentrant), digits(steps=12, batch_size=16)).record)
    once, again = records
    assert [site.name for site in again.sites] == [site.name for site in once.sites]
    assert [site.in_profile for site in again.sites] == [site.in_profile for site in once.sites]
    assert [site.activation for site in again.sites] == [site.activation for site in once.sites]
    assert [weight.name for weight in again.weights] == [weight.name for weight in once.weights]
    assert [weight.name for weight in again.weights if weight.readout] == ["head"]
    for statistic in ("site_grad_rms", "preactivation_rms", "weight_grad_norm_l2"):
        assert np.allclose(again.get(statistic).values, once.get(statistic).values, rtol=1e-5), statistic


def test_a_block_that_checkpoints_itself_is_a_block() -> None:
    blocks = [Itself(nn.Linear(64, 64), nn.Linear(64, 64)) for _ in range(3)]
    model = nn.Sequential(nn.Linear(64, 64), *blocks, nn.Linear(64, 10))
    assert profile_of(model) == [
        ("0", "pre_activation"), ("1", "block_output"), ("2", "block_output"), ("3", "block_output"),
    ]  # fmt: skip


class Speaker(nn.Module):
    """Says something at every time step, all through one readout."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(8, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        state, said = None, []
        for step in x.reshape(len(x), 8, 8).unbind(1):
            state = self.cell(step, state)
            said.append(self.head(state))
        return torch.stack(said).mean(0)


def test_every_call_of_a_readout_is_the_readout_s() -> None:
    assert profile_of(Speaker()) == [(f"cell.t{t}", "state") for t in range(8)]


class OnImages(nn.Module):
    """A residual block of linear layers on images whose channels are last, as in Swin; or first, as in ConvNeXt."""

    def __init__(self, *, channels_first: bool) -> None:
        super().__init__()
        self.mix = nn.Conv2d(6, 6, 3, padding=1) if channels_first else nn.LayerNorm(6)
        self.up, self.down = nn.Linear(6, 12), nn.Linear(12, 6)
        self.channels_first = channels_first

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(x)
        mixed = mixed.movedim(1, -1) if self.channels_first else mixed
        changed = self.down(nn.functional.gelu(self.up(mixed)))
        return x + (changed.movedim(-1, 1) if self.channels_first else changed)


class Series(nn.Module):
    """A residual block of convolutions over time."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(6, 6, 3, padding=1), nn.Conv1d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = x + self.second(torch.relu(self.first(x)))
        return found


@pytest.mark.parametrize(
    ("block", "shape"),
    [
        (lambda: OnImages(channels_first=False), (4, 4, 6)),
        (lambda: OnImages(channels_first=True), (6, 4, 4)),
        (Series, (6, 16)),
    ],
)
def test_the_units_of_a_block_are_its_channels_wherever_they_are(block: Any, shape: tuple[int, ...]) -> None:
    start = nn.Sequential(nn.Linear(64, 96), nn.Unflatten(1, shape))
    model = nn.Sequential(start, block(), block(), nn.Flatten(), nn.Linear(96, 10))
    sites = recorded(model, digits(steps=2)).record.sites
    assert {site.name: site.units for site in sites if site.kind == "block_output"} == {"1": 6, "2": 6}
