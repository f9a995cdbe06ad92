"""Gradients over the depth are compared along the paths of the autograd graph, not in the order of calls."""

import random
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gradclinic.diagnosis import diagnose
from gradclinic.measurements.profile import profiles
from gradclinic.measurements.record import RunRecord
from gradclinic_torch.model.graph import dominators_of, reached_by

from ..loops import digits, recorded


def paths(record: RunRecord) -> dict[str, list[str]]:
    """The names of the sites on each path over the depth."""
    found: dict[str, list[str]] = {}
    for site in record.sites:
        if site.in_profile:
            found.setdefault(site.path, []).append(site.name)
    return found


def of(model: nn.Module, **options: Any) -> RunRecord:
    recording = recorded(model, digits(steps=24, batch_size=32), **options)
    assert recording.over is None
    return recording.record


class Drawn:
    """A node of a graph without torch."""

    def __init__(self, below: list["Drawn"]) -> None:
        self.next_functions = [(each, 0) for each in below]


def drawn(seed: int, *, nodes: int = 12) -> list[Drawn]:
    """A graph in which every node is under the last one."""
    draw, made = random.Random(seed), [Drawn([])]
    for index in range(1, nodes):
        below = [each for each in made if draw.random() < 0.35] or [draw.choice(made)]
        taken = {id(other) for each in made for other, _ in each.next_functions}
        loose = [each for each in made if id(each) not in taken and each not in below]
        made.append(Drawn(below + (loose if index == nodes - 1 else [])))
    return made


def ways(start: Drawn, root: Drawn) -> list[list[Drawn]]:
    """Every way from the root down to a node, brute force."""
    if start is root:
        return [[root]]
    return [[root, *way] for below, _ in root.next_functions for way in ways(start, below)]


@pytest.mark.parametrize("seed", range(20))
def test_a_dominator_is_the_nearest_node_on_every_way_to_the_root(seed: int) -> None:
    made = drawn(seed)
    root = made[-1]
    nearest = dominators_of(root)
    reached = reached_by(made, root)
    for index, node in enumerate(made[:-1]):
        all_ways = ways(node, root)
        on_all = [each for each in all_ways[0][:-1] if all(each in way for way in all_ways)]
        assert nearest[node] is on_all[-1]
        assert reached[index] == {other for other in range(index) if ways(made[other], node)}
    assert nearest[root] is None


class Tower(nn.Sequential):
    def __init__(self, depth: int, *, inputs: int, gain: float = 1.0) -> None:
        layers: list[nn.Module] = []
        for index in range(depth):
            layer = nn.Linear(inputs if index == 0 else 32, 32)
            nn.init.kaiming_normal_(layer.weight)
            layer.weight.data.mul_(gain)
            layers += [layer, nn.ReLU()]
        super().__init__(*layers)


class Towers(nn.Module):
    """Two towers that are compared; what comes back to one does not go through the other."""

    def __init__(self, *, weight: float, gain: float = 1.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.left, self.right = Tower(6, inputs=32, gain=gain), Tower(4, inputs=32)
        self.head, self.weight = nn.Linear(64, 10), weight

    def forward(self, x: Tensor) -> Tensor:
        joined = torch.cat([self.left(x[:, :32]) * self.weight, self.right(x[:, 32:])], 1)
        found: Tensor = self.head(joined)
        return found


def test_two_towers_are_two_paths_however_much_one_of_them_counts() -> None:
    record = of(Towers(weight=1e-4))
    assert paths(record) == {
        "": [f"left.{2 * k}" for k in range(6)],
        "right.0": [f"right.{2 * k}" for k in range(4)],
    }
    assert all(abs(profile.slope[0]) < 0.5 for profile in profiles(record))
    assert {each.condition for each in diagnose(record).findings}.isdisjoint(
        {"vanishing_gradients", "exploding_gradients"}
    )


def test_a_tower_whose_gradient_vanishes_is_named_though_the_other_is_sound() -> None:
    record = of(Towers(weight=1.0, gain=0.15))
    finding = next(each for each in diagnose(record).findings if each.condition == "vanishing_gradients")
    assert all(layer.startswith("left.") for layer in finding.layers)


class Translator(nn.Module):
    """An encoder and a decoder of torch's own blocks."""

    def __init__(self, *, encoders: int = 4, decoders: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        options: dict[str, Any] = {"dropout": 0.0, "batch_first": True, "norm_first": True}
        self.embed = nn.Linear(8, 16)
        self.encoder = nn.ModuleList(nn.TransformerEncoderLayer(16, 2, 32, **options) for _ in range(encoders))
        self.queries = nn.Parameter(torch.randn(4, 16))
        self.decoder = nn.ModuleList(nn.TransformerDecoderLayer(16, 2, 32, **options) for _ in range(decoders))
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        memory = self.embed(x.reshape(len(x), 8, 8))
        for layer in self.encoder:
            memory = layer(memory)
        state = self.queries.expand(len(x), -1, -1)
        for layer in self.decoder:
            state = layer(state, memory)
        found: Tensor = self.head(state.flatten(1))
        return found


@pytest.mark.parametrize("decoders", [1, 2, 3, 5])
def test_an_encoder_and_its_decoder_are_two_paths(decoders: int) -> None:
    record = of(Translator(decoders=decoders), rate=0.01)
    encoder = ["embed", *(f"encoder.{k}" for k in range(4))]
    decoder = [f"decoder.{k}" for k in range(decoders)]
    found = sorted(paths(record).values())
    assert found == ([decoder, encoder] if decoders >= 3 else [encoder])


class Pooled(nn.Module):
    """Of many positions one goes on (BERT's pooler), or their mean, or all of them side by side."""

    def __init__(self, how: str, *, positions: int = 16) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.how, self.positions = how, positions
        self.layers = Tower(4, inputs=64)
        self.pooler = Tower(3, inputs=32 * positions if how == "all" else 32)
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.layers(x.unsqueeze(1).repeat(1, self.positions, 1))
        kept = {"first": tokens[:, 0], "mean": tokens.mean(1), "all": tokens.flatten(1)}[self.how]
        found: Tensor = self.head(self.pooler(kept))
        return found


@pytest.mark.parametrize("how", ["first", "mean"])
def test_a_gradient_that_all_positions_share_is_no_loss_over_the_depth(how: str) -> None:
    record = of(Pooled(how))
    assert sorted(paths(record).values()) == [
        [f"layers.{2 * k}" for k in range(4)],
        [f"pooler.{2 * k}" for k in range(3)],
    ]
    assert all(abs(profile.slope[0]) < 0.5 for profile in profiles(record))


def test_two_blocks_and_the_pooler_of_one_position_are_no_path() -> None:
    """Where no path has three places, what is left is not joined over the positions that end."""
    model = Pooled("first")
    model.layers, model.pooler = Tower(2, inputs=64), Tower(1, inputs=32)
    assert sorted(map(len, paths(of(model)).values())) == [2]


def test_positions_that_all_go_on_are_one_path_with_what_follows() -> None:
    assert [len(path) for path in paths(of(Pooled("all"))).values()] == [7]


class Gated(nn.Module):
    """Squeeze and excite: a gate of two layers beside the way, whose gradient comes from all positions at once."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.down, self.up = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 4, 1), nn.Conv2d(4, 8, 1)
        nn.init.kaiming_normal_(self.conv.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(x))
        return x * torch.sigmoid(self.up(torch.relu(self.down(x.mean((2, 3), keepdim=True)))))


def test_a_gate_is_not_on_the_path_of_what_it_multiplies() -> None:
    torch.manual_seed(0)
    stem = [nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()]
    record = of(nn.Sequential(*stem, *(Gated() for _ in range(4)), nn.Flatten(), nn.Linear(512, 10)))
    (main,) = paths(record).values()
    assert main[0] == "1"
    assert not [name for name in main if name.endswith((".down", ".up"))]


class OwnStream(nn.Module):
    """Adds to a stream outside of any module."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers, self.head = nn.ModuleList(nn.Linear(64, 64) for _ in range(5)), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + torch.relu(layer(x))
        found: Tensor = self.head(x)
        return found


def test_layers_that_add_to_a_stream_outside_of_modules_are_one_sequence() -> None:
    assert paths(of(OwnStream())) == {"": [f"layers.{k}" for k in range(5)]}
