"""Loops as people write them: accumulated gradients, scaled losses, frozen layers, skipped steps, broken recordings."""

import logging
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from gradclinic_torch import Recording
from gradclinic_torch.attach import observer as module

from .loops import digits, fit, mlp, recorded, same, weights_of


def loop(model: nn.Module, batches: Any, take_step: Any, **options: Any) -> Recording:
    """A loop whose step is up to the test."""
    optimizer = options.pop("optimizer", None) or torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    with Recording(model, optimizer, criterion, **options) as recording:
        for batch in batches:
            optimizer.zero_grad()
            take_step(recording, model, optimizer, criterion, batch)
    return recording


def test_accumulated_gradients_are_those_of_the_whole_batch() -> None:
    batches = digits(steps=12)
    whole = recorded(mlp(depth=4), batches).record

    def in_quarters(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        for inputs, targets in zip(batch[0].chunk(4), batch[1].chunk(4), strict=True):
            loss = criterion(model(inputs), targets) / 4
            loss.backward()
            recording.after_backward(loss)
        optimizer.step()

    parts = loop(mlp(depth=4), batches, in_quarters)
    assert parts.over is None
    record = parts.record
    assert record.batch_size == 16  # what the first backward saw
    for name in ("site_grad_rms", "weight_grad_norm_l2", "grad_norm_l2", "train_loss", "activation_rms", "grad_cosine"):
        ours, theirs = record.get(name), whole.get(name)
        assert ours.steps.tolist() == theirs.steps.tolist(), name
        later = theirs.steps > 0  # the first step looks at its last pass only, to find the sites
        np.testing.assert_allclose(ours.values[later], theirs.values[later], rtol=1e-3, err_msg=name)


def test_accumulated_gradients_of_steps_that_are_left_out_are_passed_by_once() -> None:
    def in_halves(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        for inputs, targets in zip(batch[0].chunk(2), batch[1].chunk(2), strict=True):
            loss = criterion(model(inputs), targets) / 2 * (1e3 if recording.step == 41 else 1)
            loss.backward()
            recording.after_backward(loss)
        optimizer.step()

    batches = digits(steps=60)
    record = loop(mlp(depth=3), batches, in_halves, every=7, full_every=7, dense_until=0).record
    steps = record.get("grad_norm_l2").steps
    assert (np.diff(steps) > 0).all()
    assert {40, 41} <= set(steps.tolist())  # what stood out made its neighbours worth recording


def test_it_may_be_told_once_after_the_last_backward() -> None:
    batches = digits(steps=12)
    whole = recorded(mlp(depth=4), batches).record

    def once(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        total = 0.0
        for inputs, targets in zip(batch[0].chunk(2), batch[1].chunk(2), strict=True):
            loss = criterion(model(inputs), targets) / 2
            loss.backward()
            total += loss.item()
        recording.after_backward(total)
        optimizer.step()

    record = loop(mlp(depth=4), batches, once).record
    for name in ("site_grad_rms", "train_loss"):
        np.testing.assert_allclose(record.get(name).values[1:], whole.get(name).values[1:], rtol=1e-3)


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("unscales_itself", [False, True])
@pytest.mark.parametrize("fused", [False, True])
def test_a_scaler_s_scale_is_in_no_number(unscales_itself: bool, fused: bool, told: bool) -> None:
    batches = digits(steps=12)
    plain = recorded(mlp(depth=4), batches).record
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)

    def scaled(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        loss = criterion(model(batch[0]), batch[1])
        scaler.scale(loss).backward()
        if unscales_itself:
            scaler.unscale_(optimizer)
        recording.after_backward(loss)
        scaler.step(optimizer)
        scaler.update()

    model = mlp(depth=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=fused)
    recording = loop(model, batches, scaled, optimizer=optimizer, scaler=scaler if told else None)
    assert recording.over is None
    assert recording.record.preflight.precision.scaled
    for name, series in plain.series.items():
        close = 1e-3 if name != "clipped" else 0
        np.testing.assert_allclose(
            recording.record.get(name).values, series.values, rtol=close, atol=1e-7, err_msg=name
        )


@pytest.mark.parametrize("told", [False, True])
def test_a_step_that_the_scaler_skips_is_not_recorded(told: bool) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
    number = iter(range(100))

    def sometimes_too_large(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        loss = criterion(model(batch[0]), batch[1])
        scaler.scale(loss).backward()
        if next(number) in (2, 3):
            next(model.parameters()).grad[0, 0] = float("inf")
        recording.after_backward(loss)
        scaler.step(optimizer)
        scaler.update()

    recording = loop(mlp(depth=3), digits(steps=8), sometimes_too_large, scaler=scaler if told else None)
    assert (recording.over, recording.step) == (None, 6)
    assert recording.record.get("train_loss").values == pytest.approx(2.3, abs=0.3)  # none is counted twice
    assert recording.record.get("train_loss").steps.tolist() == list(range(6))
    assert np.isfinite(recording.record.get("grad_norm_l2").values).all()


def test_a_frozen_layer_and_groups_with_rates_of_their_own() -> None:
    model = mlp(depth=3)
    model[0].requires_grad_(False)
    groups = [
        {"params": model[2].parameters(), "lr": 0.2},
        {"params": [*model[4].parameters(), *model[6].parameters()]},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    record = recorded(model, digits(steps=12), optimizer=optimizer).record
    assert [(weight.name, weight.trainable) for weight in record.weights][:2] == [("0", False), ("2", True)]
    assert [site.name for site in record.sites] == ["2", "4"]  # no gradient comes to what lies below
    assert (record.get("weight_grad_norm_l2").values[:, 0] == 0).all()
    assert record.get("learning_rate").values[0, 0] == pytest.approx(0.2)


def test_a_layer_that_is_unfrozen_later_counts_from_then_on() -> None:
    model = mlp(depth=3)
    model[0].requires_grad_(False)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def unfreezing(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        if recording.step == 5:
            model[0].requires_grad_(True)
        loss = criterion(model(batch[0]), batch[1])
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()

    record = loop(model, digits(steps=10), unfreezing, optimizer=optimizer).record
    norms = record.get("weight_grad_norm_l2").values[:, 0]
    assert (norms[:5] == 0).all()
    assert (norms[5:] > 0).all()


def test_batches_of_other_sizes_weigh_as_many_samples_as_they_have() -> None:
    full = digits(steps=6)
    model = mlp(depth=3)
    record = recorded(model, [full[0], (full[1][0][:16], full[1][1][:16]), *full[2:]]).record
    sizes = record.get("site_grad_rms").values[:, -1]
    assert sizes[1] == pytest.approx(sizes[0], rel=1.0)


def test_the_loss_of_the_best_constant_follows_from_the_targets() -> None:
    outcome = recorded(mlp(depth=1), digits(steps=40)).record.outcome
    assert outcome is not None
    assert outcome.constant_loss == pytest.approx(np.log(10), abs=0.01)


def test_dead_units_are_found_without_a_probe() -> None:
    model = mlp(depth=3, act=nn.ReLU)
    with torch.no_grad():
        model[2].bias[:8] = -1e3
    record = recorded(model, digits(steps=30)).record
    assert record.get("dead_fraction").steps[0] == 0
    assert record.get("dead_fraction").values[0, 1] == pytest.approx(8 / 32, abs=0.1)


def test_clipping_is_seen_as_what_becomes_of_the_gradient() -> None:
    record = recorded(mlp(depth=1), digits(steps=10), max_norm=1e-3).record
    assert record.get("clipped").values.all()
    assert record.get("grad_norm_l2_clipped").values == pytest.approx(1e-3, rel=1e-2)
    assert (record.get("grad_norm_l2").values > 1e-2).all()


def test_an_error_of_its_own_ends_the_recording_and_is_said_once(monkeypatch, caplog) -> None:
    batches = digits(steps=20)
    plain = mlp(depth=2)
    loop(plain, batches, _simple)
    monkeypatch.setattr(module.Observer, "_observe", _break)
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    model = mlp(depth=2)
    recording = loop(model, batches, _simple)
    assert recording.over == "the recorder failed: ZeroDivisionError"
    assert len(caplog.records) == 1
    assert same(weights_of(plain), weights_of(model))
    assert not model[0]._forward_hooks


def test_a_loop_that_never_tells_of_its_gradients_is_told_so_once(caplog) -> None:
    caplog.set_level(logging.WARNING, "gradclinic.recording")

    def silent(_: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        criterion(model(batch[0]), batch[1]).backward()
        optimizer.step()

    recording = loop(mlp(depth=2), digits(steps=5), silent)
    (said,) = caplog.records
    assert said.message.startswith("a step was taken whose loss was neither passed to after_backward nor seen by watch")
    assert recording.step == 5
    with pytest.raises(RuntimeError, match="nothing has been recorded yet"):
        _ = recording.record


def test_a_loop_that_raises_ends_the_recording_with_what_there_is() -> None:
    seen: list[Recording] = []

    def failing(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        seen.append(recording)
        _simple(recording, model, optimizer, criterion, batch)
        if recording.step == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop(mlp(depth=8), digits(steps=40), failing, steps=300)
    recording = seen[0]
    assert recording.record.outcome is not None
    assert recording.record.outcome.steps_done == 25
    assert recording.diagnosis().primary == "vanishing_gradients"


def test_what_cannot_be_is_refused_before_the_training() -> None:
    model = mlp(depth=1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="needs the criterion"):
        Recording(model, optimizer, probe=digits(steps=1)[0])
    with pytest.raises(ValueError, match="max_norm"):
        Recording(model, optimizer, clipping={"kind": "norm", "max_norm": -1.0})
    assert not model._forward_hooks


def _simple(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
    loss = criterion(model(batch[0]), batch[1])
    loss.backward()
    recording.after_backward(loss)
    optimizer.step()


def _break(*_: object) -> None:
    raise ZeroDivisionError


def test_passes_that_nothing_comes_back_to_count_for_nothing() -> None:
    batches = digits(steps=12)
    plain = recorded(mlp(depth=3), batches).record

    def with_more(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        model(batch[0])
        loss = criterion(model(batch[0]), batch[1])
        loss.backward()
        model(batch[0][:3])
        recording.after_backward(loss)
        optimizer.step()

    record = loop(mlp(depth=3), batches, with_more, batch_size=None).record
    for name in ("site_grad_rms", "site_grad_max_abs", "preactivation_rms"):
        np.testing.assert_array_equal(record.get(name).values[1:], plain.get(name).values[1:], err_msg=name)


def test_a_step_with_a_closure_is_recorded_as_any_other() -> None:
    batches = digits(steps=12)
    plain = recorded(mlp(depth=3), batches, max_norm=0.1).record

    def closed(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        def closure() -> float:
            optimizer.zero_grad()
            loss = criterion(model(batch[0]), batch[1])
            loss.backward()
            recording.after_backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 0.1)
            return loss.item()

        optimizer.step(closure)

    recording = loop(mlp(depth=3), batches, closed)
    assert recording.over is None
    assert plain.series.keys() == recording.record.series.keys()
    for name, series in plain.series.items():
        np.testing.assert_array_equal(recording.record.get(name).values, series.values, err_msg=name)


def test_of_a_step_that_evaluates_its_closure_several_times_no_single_update_is_recorded() -> None:
    def searching(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        def closure() -> Any:
            optimizer.zero_grad()
            loss = criterion(model(batch[0]), batch[1])
            loss.backward()
            recording.after_backward(loss)
            return loss

        optimizer.step(closure)

    def made() -> tuple[nn.Module, torch.optim.Optimizer]:
        model = mlp(depth=2)
        return model, torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=3)

    model, optimizer = made()
    recording = loop(model, digits(steps=4), searching, optimizer=optimizer)
    assert (recording.over, recording.step) == (None, 4)
    assert "update_to_weight_ratio" not in recording.record.series
    alone, optimizer = made()
    criterion = nn.CrossEntropyLoss()
    for inputs, targets in digits(steps=4):

        def closure(inputs: Any = inputs, targets: Any = targets) -> Any:
            optimizer.zero_grad()
            loss = criterion(alone(inputs), targets)
            loss.backward()
            return loss

        optimizer.step(closure)
    assert same(weights_of(model), weights_of(alone))


def test_a_loss_that_is_divided_after_it_is_told_counts_once() -> None:
    """As Accelerate does: the program tells the loss of each pass, and another function divides it and goes back."""
    batches = digits(steps=6)

    def divided_later(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        for inputs, targets in zip(batch[0].chunk(4), batch[1].chunk(4), strict=True):
            loss = criterion(model(inputs), targets)
            (loss / 4).backward()
            recording.after_backward(loss)
        optimizer.step()

    whole = recorded(mlp(depth=3), batches).record
    found = loop(mlp(depth=3), batches, divided_later).record
    np.testing.assert_allclose(found.get("train_loss").values, whole.get("train_loss").values, rtol=1e-5)


class Wrapped(torch.optim.Optimizer):
    """An optimizer that a framework put around another, without hooks of its own."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self.optimizer = optimizer
        self.param_groups = optimizer.param_groups

    def step(self, closure: Any = None) -> None:
        self.optimizer.step(closure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.optimizer.zero_grad(set_to_none)


def test_an_optimizer_inside_another_is_the_one_that_is_followed() -> None:
    model = mlp(depth=2)
    optimizer = Wrapped(torch.optim.SGD(model.parameters(), lr=0.1))
    recording = recorded(model, digits(steps=6), optimizer=optimizer)
    assert (recording.over, recording.step) == (None, 6)
    assert recording.record.environment["optimizer"] == "SGD"


class Lookahead(torch.optim.Optimizer):
    """Steps back halfway after every second step of another optimizer; has no state or hooks of its own."""

    def __init__(self, base: torch.optim.Optimizer) -> None:
        self.base, self.param_groups, self.steps = base, base.param_groups, 0
        self.slow = [each.detach().clone() for each in self.param_groups[0]["params"]]

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.base.zero_grad(set_to_none)

    def step(self, closure: Any = None) -> None:
        self.base.step(closure)
        self.steps += 1
        if self.steps % 2 == 0:
            with torch.no_grad():
                for slow, fast in zip(self.slow, self.param_groups[0]["params"], strict=True):
                    fast.copy_(slow.lerp_(fast, 0.5))


class Sharpness(torch.optim.Optimizer):
    """Sharpness-aware minimization: the gradient of a step is taken where the loss is largest nearby."""

    def __init__(self, parameters: Any, base: type[torch.optim.Optimizer], **options: Any) -> None:
        super().__init__(parameters, options)
        self.base = base(self.param_groups, **options)
        self.param_groups = self.base.param_groups
        self.moved: list[torch.Tensor] = []

    @torch.no_grad()
    def climb(self) -> None:
        held = self.param_groups[0]["params"]
        norm = torch.linalg.vector_norm(torch.stack([each.grad.norm() for each in held]))
        self.moved = [0.05 * each.grad / norm for each in held]
        torch._foreach_add_(held, self.moved)
        self.zero_grad()

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        torch._foreach_sub_(self.param_groups[0]["params"], self.moved)
        self.base.step()


def test_lookahead_is_followed_by_the_optimizer_inside_it() -> None:
    models, batches = [mlp(depth=2), mlp(depth=2)], digits(steps=6)
    optimizers = [Lookahead(torch.optim.SGD(each.parameters(), lr=0.1)) for each in models]
    recording = recorded(models[0], batches, optimizer=optimizers[0])
    fit(models[1], batches, record=False, optimizer=optimizers[1])
    assert same(weights_of(models[0]), weights_of(models[1]))
    assert (recording.over, recording.step) == (None, 6)


@pytest.mark.parametrize("told_twice", [False, True])
def test_a_step_whose_gradients_another_pass_makes_is_recorded(told_twice: bool) -> None:
    """Steps of sharpness-aware minimization: those that the first pass is told of have the plain loss and gradient."""

    def train(recording: Recording | None, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        for climbs in (True, False):
            loss = criterion(model(batch[0]), batch[1])
            loss.backward()
            if recording is not None and (climbs or told_twice):
                recording.after_backward(loss)
            optimizer.climb() if climbs else optimizer.step()

    models, batches = [mlp(depth=2, act=nn.Tanh) for _ in range(2)], digits(steps=6)
    optimizers = [Sharpness(each.parameters(), torch.optim.SGD, lr=0.1) for each in models]
    recording = loop(models[0], batches, train, optimizer=optimizers[0])
    for batch in batches:
        optimizers[1].zero_grad()
        train(None, models[1], optimizers[1], nn.CrossEntropyLoss(), batch)
    assert same(weights_of(models[0]), weights_of(models[1]))
    assert (recording.over, recording.step) == (None, 6)
    record = recording.record
    assert record.get("train_loss").steps.tolist() == record.get("learning_rate").steps.tolist() == list(range(6))
    assert not record.get("clipped").values.any()
    plain, taken = (record.get(name).values for name in ("grad_norm_l2", "grad_norm_l2_clipped"))
    assert bool((plain == taken).all()) is told_twice


class Stepped(nn.Module):
    """A module whose own forward is never called, as Lightning's are."""

    def __init__(self) -> None:
        super().__init__()
        self.net, self.criterion = mlp(depth=3), nn.CrossEntropyLoss()

    def training_step(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.criterion(self.net(inputs), targets)
        return found


@pytest.mark.parametrize("parts", [1, 4])
def test_a_model_whose_own_forward_is_never_called_has_the_samples_of_its_first_module(parts: int) -> None:
    batches = digits(steps=12)
    whole = recorded(mlp(depth=3), batches).record

    def stepped(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        for inputs, targets in zip(batch[0].chunk(parts), batch[1].chunk(parts), strict=True):
            loss = model.training_step(inputs, targets) / parts
            loss.backward()
            recording.after_backward(loss)
        optimizer.step()

    recording = loop(Stepped(), batches, stepped)
    assert recording.over is None
    record = recording.record
    assert record.batch_size == 64 // parts
    assert [site.name for site in record.sites] == ["net.0", "net.2", "net.4"]
    ours, theirs = record.get("site_grad_rms").values, whole.get("site_grad_rms").values
    np.testing.assert_allclose(ours[1:], theirs[1:], rtol=1e-3)


def test_a_recording_that_ends_inside_a_step_lets_the_other_hooks_of_the_optimizer_be(monkeypatch) -> None:
    monkeypatch.setattr(module.Observer, "after_step", _break)
    monkeypatch.setattr(module.Observer, "before_step", _break)
    model, calls = mlp(depth=2), []
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    recording = Recording(model, optimizer, criterion)
    optimizer.register_step_pre_hook(lambda *_: calls.append("before"))
    optimizer.register_step_post_hook(lambda *_: calls.append("after"))
    for batch in digits(steps=2):
        optimizer.zero_grad()
        _simple(recording, model, optimizer, criterion, batch)
    recording.finish()
    assert calls == ["before", "after"] * 2
    assert recording.over == "the recorder failed: ZeroDivisionError"
    assert len(optimizer._optimizer_step_pre_hooks) == 1


@pytest.mark.parametrize("look_every", [1, 16])
def test_the_step_that_broke_is_named_however_rarely_a_device_is_asked(monkeypatch, look_every: int) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY", {"cpu": look_every})
    number = iter(range(100))

    def breaks(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        loss = criterion(model(batch[0]), batch[1]) * (float("inf") if next(number) == 21 else 1.0)
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()

    recording = loop(mlp(depth=3), digits(steps=40), breaks)
    outcome = recording.record.outcome
    assert outcome is not None
    assert (outcome.nonfinite_step, outcome.steps_done, recording.step) == (21, 21, 21)
    assert recording.record.get("train_loss").steps[-1] == 21
    looked_at = {1: "non_finite_origin", 16: "divergence"}  # the origin is sought in steps that are looked at
    assert recording.diagnosis().primary == looked_at[look_every]


def test_half_precision_is_recorded_as_it_is_computed() -> None:
    def cast(recording: Recording, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = criterion(model(batch[0]), batch[1])
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()

    recording = loop(mlp(depth=4), digits(steps=12), cast)
    assert recording.over is None
    plain = recorded(mlp(depth=4), digits(steps=12)).record
    for name in ("site_grad_rms", "site_grad_mean_abs", "activation_rms"):
        np.testing.assert_allclose(recording.record.get(name).values, plain.get(name).values, rtol=0.1, err_msg=name)


@pytest.mark.gpu
def test_a_loop_on_a_gpu_is_recorded_as_on_the_cpu() -> None:
    batches = digits(steps=40)
    plain = recorded(mlp(depth=4), batches).record
    recording = recorded(mlp(depth=4).cuda(), [(inputs.cuda(), targets.cuda()) for inputs, targets in batches])
    assert recording.over is None
    for name in ("site_grad_rms", "weight_grad_norm_l2", "train_loss", "activation_rms"):
        np.testing.assert_allclose(recording.record.get(name).values, plain.get(name).values, rtol=1e-2, err_msg=name)


def test_between_records_no_layer_has_a_hook() -> None:
    model, hooked = mlp(depth=2), []

    def take_step(recording: Any, model: Any, optimizer: Any, criterion: Any, batch: Any) -> None:
        hooked.append(bool(model[1]._forward_hooks))
        loss = criterion(model(batch[0]), batch[1])
        loss.backward()
        recording.after_backward(loss)
        optimizer.step()

    loop(model, digits(steps=8), take_step, every=4, full_every=4, dense_until=0)
    assert hooked[1:4] == hooked[5:] == [False, False, False]
    assert hooked[0]
    assert hooked[4]
