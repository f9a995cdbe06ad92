"""Models, gradients and optimizers of other kinds than most: what shows is recorded, and a note says what does not."""

from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn.functional import cross_entropy

from gradclinic_torch import Recording, watch

from .loops import Batches, digits, fit, mlp, recorded, same, weights_of

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit", "ignore:The PyTorch API of nested tensors")
STEPS = 25
OLD = tuple(map(int, torch.__version__.split(".")[:2])) < (2, 5)


def batches() -> Batches:
    return digits(steps=STEPS, batch_size=16)


def program() -> nn.Module:
    return mlp(depth=2, act=nn.Tanh)


def scripted() -> nn.Module:
    """One layer: torch compiles longer programs after their first calls, and then rounds differently."""
    torch.manual_seed(0)
    found: nn.Module = torch.jit.script(nn.Linear(64, 10))
    return found


def traced() -> nn.Module:
    found: nn.Module = torch.jit.trace(program(), torch.zeros(2, 64))
    return found


class Spectral(nn.Module):
    """Learns complex weights, between complex signals."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = Complex(64, 16), Complex(16, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs.to(torch.cfloat))
        found: Tensor = self.second(torch.complex(hidden.real.relu(), hidden.imag.relu())).real
        return found


class Complex(nn.Module):
    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(into, out, dtype=torch.cfloat) / into**0.5)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs @ self.weight


class Jagged(nn.Module):
    """Computes with sequences of several lengths as one nested tensor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second = nn.Linear(8, 16), nn.Linear(16, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        lengths = [8 if index % 2 else 5 for index in range(len(inputs))]
        rows = [row.reshape(8, 8)[:length] for row, length in zip(inputs, lengths, strict=True)]
        hidden = self.first(torch.nested.nested_tensor(rows, layout=torch.jagged)).tanh()
        found: Tensor = self.second(torch.stack([each.mean(0) for each in hidden.unbind()]))
        return found


@pytest.mark.parametrize(
    ("build", "note"),
    [
        (scripted, "1 layer with weights was not seen"),
        (traced, "3 layers with weights was not seen"),
        (Spectral, "2 layers is not recorded"),
        pytest.param(
            Jagged,
            "1 layer is not recorded",
            marks=pytest.mark.skipif(OLD, reason="before torch 2.5, unbound nested tensors have no gradient"),
        ),
    ],
)
def test_layers_that_cannot_be_observed_are_noted_and_the_rest_is_recorded(
    build: Callable[[], nn.Module], note: str
) -> None:
    recording, plain = recorded(model := build(), batches()), build()
    fit(plain, batches(), record=False)
    assert recording.over is None
    assert same(weights_of(model), weights_of(plain))
    assert any(note in each for each in recording.record.environment["notes"])
    assert len(recording.record.get("train_loss")) == STEPS
    assert recording.record.get("grad_norm_l2").steps[-1] == STEPS - 1


def of_batch(model: nn.Module) -> Callable[[Mapping[str, Tensor], Tensor, Tensor], Tensor]:
    return lambda weights, inputs, targets: cross_entropy(functional_call(model, dict(weights), (inputs,)), targets)


def by_sample(model: nn.Module) -> Callable[[Mapping[str, Tensor], Tensor, Tensor], Tensor]:
    return lambda weights, row, target: of_batch(model)(weights, row.unsqueeze(0), target.unsqueeze(0))


@pytest.mark.parametrize("per_sample", [False, True])
def test_gradients_of_torch_func_are_recorded_without_the_layers(per_sample: bool) -> None:
    model = program()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, constant_loss=2.3) as recording:
        for inputs, targets in batches():
            weights = {name: each.detach() for name, each in model.named_parameters()}
            if per_sample:
                found, losses = vmap(grad_and_value(by_sample(model)), (None, 0, 0))(weights, inputs, targets)
            else:
                found, losses = grad_and_value(of_batch(model))(weights, inputs, targets)
            for name, parameter in model.named_parameters():
                parameter.grad = found[name].mean(0) if per_sample else found[name]
            recording.after_backward(losses.mean())
            optimizer.step()
    assert recording.over is None
    assert recording.record.get("grad_norm_l2").steps[-1] == STEPS - 1
    assert not recording.record.sites
    assert "transform of torch.func" in recording.record.environment["notes"][0]


def test_sparse_gradients_are_those_of_the_whole_table() -> None:
    found = []
    for sparse in (True, False):
        torch.manual_seed(0)
        model, criterion = nn.EmbeddingBag(30, 10, mode="sum", sparse=sparse), nn.CrossEntropyLoss()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with Recording(model, optimizer, criterion) as recording:
            for step in range(STEPS):
                words = torch.arange(24).reshape(8, 3) % (step + 2)  # some come several times
                loss = criterion(model(words), torch.arange(8))
                optimizer.zero_grad()
                loss.backward()
                recording.after_backward(loss)
                optimizer.step()
        found.append(recording.record)
    assert found[0].series.keys() == found[1].series.keys()
    for name, series in found[0].series.items():
        assert series.values == pytest.approx(found[1].get(name).values, rel=1e-5, nan_ok=True), name


class WithoutRate(torch.optim.Optimizer):
    """Calls its step size by another name; Adafactor's `lr` is None if it finds its own."""

    def __init__(self, parameters: object, **rate: None) -> None:
        super().__init__(parameters, {"alpha": 0.1, **rate})

    @torch.no_grad()
    def step(self, closure: object = None) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.sub_(group["alpha"] * parameter.grad)


@pytest.mark.parametrize("rate", [{}, {"lr": None}])
def test_an_optimizer_without_a_learning_rate_is_recorded_without_it(rate: dict[str, None]) -> None:
    model = program()
    recording = recorded(model, batches(), optimizer=WithoutRate(model.parameters(), **rate))
    assert recording.over is None
    assert "learning_rate" not in recording.record.series
    assert recording.record.get("grad_norm_l2").steps[-1] == STEPS - 1
    assert recording.record.preflight is not None
    assert recording.record.preflight.optimizer is None


def test_layers_under_data_parallel_have_their_own_names() -> None:
    record = recorded(nn.DataParallel(program()), batches()).record
    assert [site.name for site in record.sites] == ["0", "2"]


class Experts(nn.Module):
    """Each sample goes through one of two layers; an expert without a sample is not called."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.last = nn.Linear(64, 16), nn.Linear(16, 10)
        self.experts = nn.ModuleList([nn.Linear(16, 16), nn.Linear(16, 16)])
        self.calls = 0

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs).tanh()
        self.calls += 1
        chosen = (torch.arange(len(inputs)) % 2) * (self.calls % 2)  # every second time all samples go to the first
        mixed = torch.zeros_like(hidden)
        for index, expert in enumerate(self.experts):
            rows = (chosen == index).nonzero().flatten()
            if len(rows):
                mixed = mixed.index_add(0, rows, expert(hidden[rows]))
        found: Tensor = self.last((hidden + mixed).tanh())
        return found


def test_of_an_expert_without_a_sample_nothing_is_known_and_all_else_is_recorded() -> None:
    model, plain = Experts(), Experts()
    recording = recorded(model, batches(), full_every=1)
    fit(plain, batches(), record=False)
    assert recording.over is None
    assert same(weights_of(model), weights_of(plain))
    record = recording.record
    names = [site.name for site in record.sites]
    for name in ("site_grad_rms", "preactivation_rms", "site_max_abs"):
        series = record.get(name)
        known = {int(step): row for step, row in zip(series.steps, series.values, strict=True)}
        assert {1, 2, 3} <= set(known)
        assert torch.tensor(known[1]).isnan().tolist() == [each == "experts.1" for each in names]
        assert not torch.tensor(known[2]).isnan().any()


@pytest.mark.parametrize("watched", [False, True])
def test_an_optimizer_that_steps_within_the_backward_pass_is_recorded_without_the_weights(watched: bool) -> None:
    def trained(*, record: bool) -> tuple[nn.Module, Recording | None]:
        model, criterion = program(), nn.CrossEntropyLoss()
        optimizers = {parameter: torch.optim.Adam([parameter], lr=0.01) for parameter in model.parameters()}

        def take(parameter: Tensor) -> None:
            optimizers[parameter].step()
            optimizers[parameter].zero_grad()

        for parameter in model.parameters():
            parameter.register_post_accumulate_grad_hook(take)
        one = next(iter(optimizers.values()))
        follow = watch if watched else Recording
        recording = follow(model, one, criterion) if record else None
        for inputs, targets in batches():
            loss = criterion(model(inputs), targets)
            loss.backward()
            if recording is not None and not watched:
                recording.after_backward(loss)
        if recording is not None:
            recording.finish()
        return model, recording

    (model, recording), (plain, _) = trained(record=True), trained(record=False)
    assert recording is not None
    assert recording.over is None
    assert same(weights_of(model), weights_of(plain))
    record = recording.record
    assert len(record.get("train_loss")) == STEPS
    assert list(record.get("site_grad_rms").steps) == [*range(10), 15]
    assert "grad_norm_l2" not in record.series
    assert "before the backward pass has ended" in record.environment["notes"][0]
    assert not any(finding.condition == "no_signal" for finding in recording.diagnosis().findings)


class InADictionary(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = program()

    def forward(self, batch: Mapping[str, Tensor]) -> Tensor:
        found: Tensor = self.net(batch["inputs"])
        return found


def test_a_number_before_the_samples_is_not_the_batch() -> None:
    model, criterion = InADictionary(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with Recording(model, optimizer, criterion) as recording:
        for inputs, targets in batches():
            loss = criterion(model({"epoch": torch.tensor(3), "inputs": inputs}), targets)
            optimizer.zero_grad()
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.batch_size == 16
