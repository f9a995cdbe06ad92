"""What a recording finds in models as people write them."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from gradclinic.measurements.record import RunRecord
from gradclinic_torch import Recording
from gradclinic_torch.sites import discovery

from ..loops import digits, recorded


def found(model: nn.Module, **options: Any) -> RunRecord:
    recording = recorded(model, digits(steps=12, batch_size=16), **options)
    assert recording.over is None
    return recording.record


class BasicBlock(nn.Module):
    """torchvision's, with its functions in place and one ReLU used twice."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = nn.Conv2d(outputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.down = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        out += self.down(x)
        found: Tensor = self.relu(out)
        return found


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 12), BasicBlock(12, 12))
        self.head = nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.head(self.blocks(self.stem(x)).mean((2, 3)))
        return found


def test_a_residual_network_s_profile_runs_over_its_blocks() -> None:
    record = found(ResNet())
    profile = [(site.name, site.kind) for site in record.sites if site.in_profile]
    assert profile == [
        ("stem.1", "pre_activation"),
        ("blocks.0", "block_output"),
        ("blocks.1", "block_output"),
        ("blocks.2", "block_output"),
    ]
    inside = {site.name: site for site in record.sites if not site.in_profile}
    assert (inside["blocks.0.conv1"].activation, inside["blocks.0.conv2"].activation) == ("relu", None)
    assert inside["blocks.1.conv1"].units == 12
    assert [weight.name for weight in record.weights if weight.readout] == ["head"]


def test_where_nothing_may_be_copied_the_first_step_has_what_was_not_changed_in_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def of_sites(model: nn.Module) -> tuple[list[int], dict[str, list[float]]]:
        record = found(model)
        rms = record.get("site_grad_rms")
        return rms.steps[:2].tolist(), {site.name: rms.values[0].tolist() for site in record.sites}

    def made(*, inplace: bool) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(inplace), nn.Linear(32, 10))

    copies: list[torch.Size] = []
    clone = Tensor.clone
    monkeypatch.setattr(Tensor, "clone", lambda self, **options: copies.append(self.shape) or clone(self, **options))
    copied = of_sites(made(inplace=False))
    assert copied[0] == [0, 1]
    assert torch.Size([16, 32]) in copies
    copies.clear()
    monkeypatch.setattr(discovery, "COPIED_ON", frozenset())
    assert of_sites(made(inplace=False)) == copied
    assert torch.Size([16, 32]) not in copies
    assert of_sites(made(inplace=True))[0] == [1, 2]


def test_what_happens_in_place_does_not_hide_the_pre_activation() -> None:
    def made(*, inplace: bool) -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(inplace), nn.Linear(32, 32), nn.ReLU(inplace), nn.Linear(32, 10)
        )

    in_place, apart = found(made(inplace=True)), found(made(inplace=False))
    for name in ("preactivation_mean", "saturated_fraction", "site_grad_rms", "activation_rms"):
        assert torch.allclose(
            torch.from_numpy(in_place.get(name).values), torch.from_numpy(apart.get(name).values), rtol=1e-4
        ), name
    assert (in_place.get("preactivation_mean").values < 0.4).all()


class Functional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 16), *(nn.Linear(16, 16) for _ in range(8))])
        self.head = nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        calls = [
            torch.relu, torch.sigmoid, torch.tanh, functional.gelu, functional.silu, functional.selu, functional.relu6,
            lambda z: functional.leaky_relu(z, 0.3), torch.sin,
        ]  # fmt: skip
        for layer, call in zip(self.layers, calls, strict=True):
            x = call(layer(x))
        found: Tensor = self.head(x)
        return found


def test_activations_that_are_functions_are_known_by_the_graph() -> None:
    record = found(Functional())
    assert [site.activation for site in record.sites] == [
        "relu", "sigmoid", "tanh", "gelu", "silu", "selu", "relu6", "leaky_relu", None,
    ]  # fmt: skip
    assert record.environment["notes"] == [
        "the activation after 1 of the sites is unknown, so saturation is not checked there"
    ]
    assert (record.get("activation_rms").values[:, 0] < record.get("preactivation_rms").values[:, 0]).all()


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.again, self.head = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        for _ in range(3):
            x = torch.tanh(self.again(x))
        found: Tensor = self.head(x)
        return found


def test_a_layer_that_is_called_several_times_has_a_site_for_each_call() -> None:
    record = found(Shared())
    assert [site.name for site in record.sites] == ["first", "again", "again.call1", "again.call2"]
    assert [weight.name for weight in record.weights] == ["first", "again", "head"]


class Cells(nn.Module):
    def __init__(self, cell: type[nn.Module], times: tuple[int, ...] = (8,)) -> None:
        super().__init__()
        self.cell, self.head, self.times = cell(8, 12), nn.Linear(12, 10), iter(times * 100)

    def forward(self, x: Tensor) -> Tensor:
        steps, state = x.reshape(len(x), 8, 8), None
        for t in range(next(self.times)):
            state = self.cell(steps[:, t], state)
        found: Tensor = self.head(state[0] if isinstance(state, tuple) else state)
        return found


def test_cells_are_recorded_state_by_state() -> None:
    for cell in (nn.RNNCell, nn.GRUCell, nn.LSTMCell):
        record = found(Cells(cell))
        assert [site.name for site in record.sites] == [f"cell.t{t}" for t in range(8)]
        assert {(site.kind, site.group) for site in record.sites} == {("state", "cell")}
        gradient = record.get("site_grad_rms").values[0]
        assert gradient[-1] > gradient[0] > 0


class Fused(nn.Module):
    def __init__(self, layer: nn.Module, width: int = 12) -> None:
        super().__init__()
        self.layer, self.head = layer, nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.reshape(len(x), 8, 8)
        if not self.layer.batch_first:
            return self.head(self.layer(steps.transpose(0, 1))[0][-1])
        return self.head(self.layer(steps)[0][:, -1])


def test_time_steps_inside_one_kernel_are_recorded_at_their_inputs() -> None:
    for layer in (nn.LSTM(8, 12, batch_first=True), nn.GRU(8, 12), nn.RNN(8, 12, num_layers=2, batch_first=True)):
        record = found(Fused(layer))
        assert [site.name for site in record.sites] == [f"layer.t{t}" for t in range(8)]
        gradient = record.get("site_grad_rms").values
        assert (gradient[:, -1] > gradient[:, 0]).all()
        assert (gradient > 0).all()
        assert "at the inputs" in record.environment["notes"][0]
    both = found(Fused(nn.LSTM(8, 6, batch_first=True, bidirectional=True)))
    assert both.sites == ()
    assert "are not seen" in both.environment["notes"][0]


def test_a_kernel_s_profile_over_time_is_its_cells_own() -> None:
    torch.manual_seed(0)
    kernel = nn.RNN(8, 12, batch_first=True)
    cells = Cells(nn.RNNCell)
    with torch.no_grad():
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(cells.cell, name).copy_(getattr(kernel, f"{name}_l0"))
    fused = Fused(kernel)
    fused.head.load_state_dict(cells.head.state_dict())
    slopes = []
    for model in (fused, cells):
        gradient = found(model).get("site_grad_rms").values[0]
        slopes.append(float(torch.tensor(gradient[-1] / gradient[0]).log10()))
    assert abs(slopes[0] - slopes[1]) < 0.3


def test_a_step_whose_sites_are_not_those_of_the_first_records_the_rest() -> None:
    record = found(Cells(nn.RNNCell, times=(8, 8, 5, 8)))
    assert len(record.get("train_loss")) == 12
    first = [0, 1, 3, 4, 5, 7, 8, 9]  # of the ten steps at whose sites a plan that leaves it open looks first
    assert record.get("site_grad_rms").steps[: len(first)].tolist() == first


def test_a_transformer_s_blocks_are_its_profile() -> None:
    layers = [nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True) for _ in range(3)]
    record = found(nn.Sequential(nn.Unflatten(1, (8, 8)), nn.Linear(8, 8), *layers, nn.Flatten(), nn.Linear(64, 10)))
    assert [site.name for site in record.sites if site.in_profile] == ["1", "2", "3", "4"]
    assert [site.kind for site in record.sites if site.in_profile][1:] == ["block_output"] * 3
    assert "2.self_attn.in_proj_weight" in [weight.name for weight in record.weights]


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
        self.size, self.kind = nn.Linear(16, 1), nn.Linear(16, 9)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.trunk(x)
        return torch.cat([self.size(seen), self.kind(seen)], 1)


def test_each_of_several_heads_is_a_readout_and_no_hidden_layer() -> None:
    record = found(TwoHeads())
    assert [site.name for site in record.sites] == ["trunk.0", "trunk.2"]
    assert [weight.name for weight in record.weights if weight.readout] == ["size", "kind"]


class OfItsOwn(nn.Module):
    def __init__(self, inputs: int = 64, outputs: int = 10) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(inputs, outputs) / inputs**0.5)

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix


def test_a_model_of_one_matrix_has_it_recorded_as_its_readout() -> None:
    record = found(OfItsOwn())
    assert (record.sites, [weight.shape for weight in record.weights]) == ((), [(64, 10)])
    assert record.weights[0].readout
    assert (record.get("weight_grad_norm_l2").values > 0).all()


def test_layers_of_one_s_own_are_seen_like_torch_s() -> None:
    record = found(
        nn.Sequential(OfItsOwn(64, 16), nn.Sigmoid(), OfItsOwn(16, 16), nn.LayerNorm(16), nn.ReLU(), OfItsOwn(16, 10))
    )
    assert [(site.name, site.activation) for site in record.sites] == [("0", "sigmoid"), ("2", "relu")]
    assert [weight.name for weight in record.weights if weight.readout] == ["5"]


class Offset(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.position


def test_a_matrix_that_is_only_added_makes_no_layer() -> None:
    record = found(nn.Sequential(nn.Unflatten(1, (8, 8)), Offset(), nn.Linear(8, 8), nn.Flatten(), nn.Linear(64, 10)))
    assert [site.name for site in record.sites] == ["2"]


class PreNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.first, self.second = nn.LayerNorm(16), nn.Linear(16, 16), nn.Linear(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(self.norm(x))))


def test_the_norm_of_the_next_block_does_not_belong_to_the_layer_before_it() -> None:
    torch.manual_seed(0)
    stem, gradients = nn.Linear(64, 16), []

    def see(_: nn.Module, __: Any, output: Tensor) -> None:
        output.register_hook(lambda gradient: gradients.append(float(gradient.norm())))

    stem.register_forward_hook(see)
    record = found(nn.Sequential(stem, PreNorm(), PreNorm(), nn.LayerNorm(16), nn.Linear(16, 10)))
    assert [site.name for site in record.sites if site.in_profile] == ["0", "1", "2"]
    measured = record.get("site_grad_rms").values[0][0]
    assert abs(measured / (gradients[0] / 16**0.5 / 16**0.5 * 16) - 1) < 1e-4


def test_a_layer_whose_output_goes_into_the_next_one_as_it_is_has_no_activation():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 8), nn.Flatten(), nn.Linear(8, 2))
    optimizer, criterion = torch.optim.SGD(model.parameters(), lr=0.1), nn.CrossEntropyLoss()
    with Recording(model, optimizer, criterion) as recording:
        loss = criterion(model(torch.randn(16, 4)), torch.randint(2, (16,)))
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()
    assert [site.activation for site in recording.record.sites] == ["identity", "identity"]


def test_embeddings_alone_are_recorded_as_tables_beside_a_parameter_of_one_number():
    class Factors(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.users, self.films = nn.Embedding(20, 4), nn.Embedding(30, 4)
            self.offset = nn.Parameter(torch.zeros(()))

        def forward(self, pairs):
            return (self.users(pairs[:, 0]) * self.films(pairs[:, 1])).sum(1) + self.offset

    model, criterion = Factors(), nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        for _ in range(3):
            optimizer.zero_grad()
            loss = criterion(model(torch.randint(20, (16, 2))), torch.randn(16))
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    tables = {weight.name: weight.is_looked_up for weight in recording.record.weights}
    assert tables == {"offset": False, "users.weight": True, "films.weight": True}


def test_an_activation_that_is_in_one_module_with_its_norm_is_not_known() -> None:
    class NormAndActivation(nn.BatchNorm1d):
        def __init__(self, units: int) -> None:
            super().__init__(units)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(super().forward(x))

    layers = [module for _ in range(3) for module in (nn.Linear(64, 64), NormAndActivation(64))]
    sites = found(nn.Sequential(*layers, nn.Linear(64, 10))).sites
    assert [site.activation for site in sites] == [None, None, None]
