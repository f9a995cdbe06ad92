"""A loop without a call in it is recorded as if it had told of every loss."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gradclinic.measurements.record import Outcome, RunRecord
from gradclinic_torch import Recording, watch
from gradclinic_torch.attach.loss_watch import LossWatch, loss_in

from .loops import Batches, digits, mlp, same, weights_of

Step = Callable[[nn.Module, nn.Module, tuple[Tensor, Tensor]], Iterable[Tensor]]
"""Model, criterion, a batch; what each backward began from."""


def simple(model: nn.Module, criterion: nn.Module, batch: tuple[Tensor, Tensor]) -> list[Tensor]:
    return [criterion(model(batch[0]), batch[1])]


def accumulated(model: nn.Module, criterion: nn.Module, batch: tuple[Tensor, Tensor]) -> Iterator[Tensor]:
    """Four passes, each loss over four; its own value is gone when the backward begins."""
    parts = zip(batch[0].chunk(4), batch[1].chunk(4), strict=True)
    for inputs, targets in parts:
        yield criterion(model(inputs), targets) / 4


def two_losses(model: nn.Module, criterion: nn.Module, batch: tuple[Tensor, Tensor]) -> list[Tensor]:
    """One backward of a weighted sum."""
    halves = [criterion(model(i), t) for i, t in zip(batch[0].chunk(2), batch[1].chunk(2), strict=True)]
    return [0.7 * halves[0] + 0.3 * halves[1]]


def trained(
    step: Step, batches: Batches, *, record: str, model: nn.Module | None = None, rate: float = 0.1
) -> tuple[list[Tensor], Recording | None, list[float]]:
    """The weights, the recording and the losses. record: "watched", "told" or "no"."""
    model = model or mlp(depth=3, act=nn.ReLU)
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)
    recording, losses = None, []
    if record == "watched":
        recording = watch(model, optimizer, criterion)
    elif record == "told":
        recording = Recording(model, optimizer, criterion)
    with recording or nullcontext():
        for batch in batches:
            optimizer.zero_grad()
            losses.append(0.0)
            for loss in step(model, criterion, batch):
                loss.backward()
                losses[-1] += float(loss.detach())
                if record == "told" and recording is not None:
                    recording.after_backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    return weights_of(model), recording, losses


def ended(recording: Recording) -> Outcome:
    assert recording.record.outcome is not None
    return recording.record.outcome


def differences(first: RunRecord, second: RunRecord) -> list[str]:
    """The statistics in which two records differ by more than float32 rounding."""
    assert first.series.keys() == second.series.keys()
    return [
        name
        for name in first.series
        if not np.array_equal(first.get(name).steps, second.get(name).steps)
        or not np.allclose(first.get(name).values, second.get(name).values, rtol=2e-6, atol=0, equal_nan=True)
    ]


@pytest.mark.parametrize("step", [simple, accumulated, two_losses], ids=lambda each: each.__name__)
def test_a_watched_loop_is_recorded_as_one_that_tells(step: Step) -> None:
    batches = digits(steps=30)
    weights, watched, losses = trained(step, batches, record="watched")
    _, told, _ = trained(step, batches, record="told")
    assert watched is not None
    assert told is not None
    assert differences(watched.record, told.record) == []
    assert np.allclose(watched.record.get("train_loss").values[:, 0], losses, rtol=1e-6)
    assert watched.step == 30
    assert [each.name for each in watched.record.sites] == [each.name for each in told.record.sites] != []
    assert (ended(watched).constant_loss, ended(watched).steps_done) == (ended(told).constant_loss, 30)
    assert ended(watched).final_train_loss == pytest.approx(ended(told).final_train_loss, rel=1e-5)
    assert same(weights, trained(step, batches, record="no")[0])


def test_clipping_behind_the_loop_s_back_is_seen() -> None:
    _, recording, _ = trained(simple, digits(steps=30), record="watched")
    assert recording is not None
    record = recording.record
    before, after = record.get("grad_norm_l2").values[:, 0], record.get("grad_norm_l2_clipped").values[:, 0]
    assert np.allclose(after, np.minimum(before, 0.5), rtol=1e-4)
    assert record.get("clipped").values[:, 0].tolist() == [float(norm > 0.5) for norm in before]


def test_a_loss_that_is_divided_in_place_is_recorded_as_it_was_divided() -> None:
    def step(model: nn.Module, criterion: nn.Module, batch: tuple[Tensor, Tensor]) -> list[Tensor]:
        loss = criterion(model(batch[0]), batch[1])
        loss /= 4
        return [loss]

    weights, recording, losses = trained(step, digits(steps=12), record="watched")
    assert recording is not None
    assert np.allclose(recording.record.get("train_loss").values[:, 0], losses, rtol=1e-6)
    assert same(weights, trained(step, digits(steps=12), record="no")[0])


@pytest.mark.parametrize("by_function", [True, False])
@pytest.mark.parametrize("told", [True, False])
def test_the_scale_of_a_scaler_is_no_part_of_the_loss(told: bool, by_function: bool) -> None:
    model, criterion = mlp(depth=3, act=nn.ReLU), nn.CrossEntropyLoss()
    optimizer, scaler = torch.optim.SGD(model.parameters(), lr=0.1), torch.amp.GradScaler("cpu", init_scale=1024.0)
    losses = []
    watched = None if by_function else criterion
    with watch(model, optimizer, watched, scaler=scaler if told else None) as recording:
        for inputs, targets in digits(steps=12):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets) / 2
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
            losses.append(loss.item())
    record = recording.record
    assert record.get("train_loss").values[:, 0].tolist() == pytest.approx(losses)
    assert 0.01 < record.get("grad_norm_l2").values[0, 0] < 10


class Losing(nn.Module):
    """A network that returns its loss in one of the usual ways."""

    def __init__(self, wrap: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.net, self.wrap, self.loss = mlp(depth=3, act=nn.ReLU), wrap, nn.CrossEntropyLoss()

    def forward(self, inputs: Tensor, targets: Tensor) -> Any:
        logits = self.net(inputs)
        return self.wrap(logits, self.loss(logits, targets))


class Output:
    def __init__(self, logits: Tensor, loss: Tensor) -> None:
        self.logits, self.loss = logits, loss


@pytest.mark.parametrize(
    "wrap",
    [
        lambda _, loss: loss,
        lambda logits, loss: (logits, loss),
        lambda logits, loss: {"loss": loss, "logits": logits},
        Output,
    ],
    ids=["loss", "tuple", "mapping", "object"],
)
def test_the_loss_that_a_model_returns_is_seen(wrap: Callable[[Tensor, Tensor], Any]) -> None:
    model = Losing(wrap)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    with watch(model, optimizer, constant_loss=2.302) as recording:
        for inputs, targets in digits(steps=15):
            loss = loss_in(model(inputs, targets))
            assert loss is not None
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert recording.record.get("train_loss").values[:, 0].tolist() == pytest.approx(losses)
    assert len([each for each in recording.record.sites if each.in_profile]) == 3


def test_outputs_without_one_loss_have_none() -> None:
    value = torch.ones((), requires_grad=True)
    row = torch.ones(1, 1, requires_grad=True)
    assert all(loss_in(each) is None for each in (row, (value, value), {"logits": value}, value.detach(), None, "loss"))


def test_a_gradient_of_the_loss_that_reaches_no_weight_is_no_step() -> None:
    """A gradient penalty, or saliency: autograd.grad comes to the loss, and leaves nothing in the weights."""
    model, criterion = mlp(depth=2, act=nn.ReLU), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses = []
    with watch(model, optimizer, criterion) as recording:
        for batch, targets in digits(steps=12):
            inputs = batch.clone().requires_grad_()
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            (gradient,) = torch.autograd.grad(loss, inputs, retain_graph=True)
            assert gradient.shape == inputs.shape
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    assert recording.record.get("train_loss").values[:, 0].tolist() == pytest.approx(losses)


def test_losses_that_no_backward_comes_to_are_not_recorded_and_not_kept() -> None:
    model, criterion = mlp(depth=2, act=nn.ReLU), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, criterion) as recording:
        for inputs, targets in digits(steps=12):
            for _ in range(3):
                criterion(model(inputs), targets) * 100
            optimizer.zero_grad()
            criterion(model(inputs), targets).backward()
            optimizer.step()
    assert recording.record.get("train_loss").values.max() < 5
    assert recording._losses is not None
    assert not recording._losses._seen


def test_a_loss_that_is_made_by_a_function_is_seen_where_no_loss_module_was_given() -> None:
    def trained(
        follow: Callable[..., Recording] | None, *, told: bool = False
    ) -> tuple[list[Tensor], RunRecord | None]:
        model = mlp(depth=3, act=nn.ReLU)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        recording = None if follow is None else follow(model, optimizer)
        for inputs, targets in digits(steps=12):
            optimizer.zero_grad()
            for part, labels in zip(inputs.chunk(2), targets.chunk(2), strict=True):
                loss = nn.functional.cross_entropy(model(part), labels) / 2
                loss.backward()
                if recording is not None and told:
                    recording.after_backward(loss)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
        if recording is not None:
            recording.finish()
        return weights_of(model), None if recording is None else recording.record

    weights, found = trained(watch)
    told = trained(Recording, told=True)[1]
    assert found is not None
    assert told is not None
    assert not differences(found, told)
    assert same(weights, trained(None)[0])


def test_a_backward_through_a_graph_that_is_kept_counts_as_often_as_it_came() -> None:
    model = mlp(depth=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer) as recording:
        losses = []
        for inputs, targets in digits(steps=5):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs), targets)
            loss.backward(retain_graph=True)
            loss.backward()
            optimizer.step()
            losses.append(2 * loss.item())
    assert recording.record.get("train_loss").values[:, 0].tolist() == pytest.approx(losses, rel=1e-6)


def test_a_loss_of_a_function_is_not_that_of_the_loss_module_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    model = mlp(depth=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, nn.CrossEntropyLoss()) as recording:
        for inputs, targets in digits(steps=5):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    (said,) = caplog.records
    assert "nor seen by watch" in said.message
    assert recording.step == 5


def test_backward_passes_of_others_are_not_kept_while_the_watched_network_takes_no_step() -> None:
    model, other = mlp(depth=2, act=nn.ReLU), nn.Linear(4, 1)
    with watch(model, torch.optim.SGD(model.parameters(), lr=0.1)) as recording:
        for _ in range(100):
            other(torch.randn(3, 4)).square().mean().backward()
        assert recording._losses is not None
        assert len(recording._losses._roots) == 1


def test_torch_s_own_backward_is_back_when_the_last_recording_has_ended() -> None:
    original = torch.autograd.backward
    model = mlp(depth=1)
    first, second = (watch(model, torch.optim.SGD(model.parameters(), lr=0.1)) for _ in range(2))
    assert torch.autograd.backward is not original
    first.finish()
    assert torch.autograd.backward is not original
    second.finish()
    assert torch.autograd.backward is original


def test_a_call_that_is_there_all_the_same_counts_nothing_twice() -> None:
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch(model, optimizer, criterion) as recording:
        for inputs, targets in digits(steps=5):
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            recording.after_backward(loss)
            optimizer.step()
    assert recording.record.get("train_loss").values.max() < 4


@pytest.mark.parametrize("place", ["_hook", "_begun", "_ended", "_gradients_now", "_step_done"])
def test_an_error_of_its_own_never_ends_the_training(
    place: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("injected")

    caplog.set_level(logging.CRITICAL)
    batches = digits(steps=6)
    plain = trained(simple, batches, record="no")[0]
    monkeypatch.setattr(LossWatch, place, fails)
    weights, recording, _ = trained(simple, batches, record="watched")
    assert recording is not None
    assert recording.over is not None
    assert recording.over.endswith("RuntimeError")
    assert same(weights, plain)


def test_every_hook_leaves_at_the_end() -> None:
    model, criterion = mlp(depth=2), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    watch(model, optimizer, criterion).finish()
    assert not [each for each in (criterion, *model.modules()) if each._forward_hooks or each._forward_pre_hooks]
    assert not optimizer._optimizer_step_post_hooks


def test_sound_is_healthy_and_a_thousandfold_rate_is_named() -> None:
    _, sound, _ = trained(simple, digits(steps=200), record="watched")
    _, sick, _ = trained(simple, digits(steps=200), record="watched", rate=100.0)
    _, faint, _ = trained(simple, digits(steps=200), record="watched", model=mlp(depth=8))
    assert sound is not None
    assert sick is not None
    assert faint is not None
    assert sound.diagnosis().primary == "healthy"
    assert sick.diagnosis().findings[0].harm
    assert faint.diagnosis().primary == "vanishing_gradients"


def test_losses_that_train_another_network_through_this_one_are_not_recorded_as_its_own() -> None:
    torch.manual_seed(0)
    generator, discriminator = mlp(depth=1, width=16, act=nn.ReLU), mlp(depth=1, width=16, act=nn.ReLU)
    joint = nn.Linear(10, 64)
    criterion, own = nn.CrossEntropyLoss(), torch.optim.SGD(discriminator.parameters(), lr=0.1)
    other = torch.optim.SGD([*generator.parameters(), *joint.parameters()], lr=0.1)
    recording, losses = watch(discriminator, own, criterion), []
    for inputs, _ in digits(steps=20):
        made, real, false = joint(generator(torch.randn(64, 64))), torch.ones(64).long(), torch.zeros(64).long()
        own.zero_grad()
        loss = criterion(discriminator(inputs), real) + criterion(discriminator(made.detach()), false)
        loss.backward()
        losses.append(loss.item())
        own.step()
        other.zero_grad()
        criterion(discriminator(made), real).backward()
        other.step()
    recording.finish()
    record = recording.record
    assert record.get("train_loss").values[:, 0].tolist() == pytest.approx(losses, rel=1e-6)
    assert ended(recording).constant_loss is None
    assert {finding.condition for finding in recording.diagnosis().findings} == {"insufficient_evidence"}
