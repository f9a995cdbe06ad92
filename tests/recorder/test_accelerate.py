"""Accelerate's prepared model and optimizer are recorded as they are."""

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState
from torch.utils.data import DataLoader

from gradclinic_torch import Recording, watch

from .frameworks import BATCH, LOOPS, Losing, assert_clipped, assert_same_record, by_hand, samples
from .loops import digits, same, weights_of


@pytest.fixture(autouse=True)
def _own_state():
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


def trained(*, steps: int, passes: int, max_norm: float | None, record: str, rate: float = 0.1):
    """The weights, and the recording: "watched", "told" or "no"."""
    accelerator = Accelerator(cpu=True, gradient_accumulation_steps=passes)
    model = Losing()
    criterion = model.criterion
    data = DataLoader(samples(digits(steps=steps * passes, batch_size=BATCH)), BATCH)
    network, optimizer, data = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=rate), data)
    recording = None
    if record != "no":
        recording = (watch if record == "watched" else Recording)(network, optimizer, criterion)
    for batch in data:
        with accelerator.accumulate(network):
            loss = network(batch["inputs"], batch["labels"])["loss"]
            accelerator.backward(loss)
            if record == "told" and recording is not None:
                recording.after_backward(loss)
            if accelerator.sync_gradients and max_norm is not None:
                accelerator.clip_grad_norm_(network.parameters(), max_norm)
            optimizer.step()
            optimizer.zero_grad()
    if recording is not None:
        recording.finish()
    return weights_of(model), recording


@pytest.mark.parametrize("record", ["watched", "told"])
@LOOPS
def test_a_prepared_loop_is_recorded_as_the_same_loop_by_hand(passes: int, max_norm: float | None, record: str) -> None:
    weights, recording = trained(steps=24, passes=passes, max_norm=max_norm, record=record)
    assert recording.over is None
    assert recording.step == 24
    hand = by_hand(digits(steps=24 * passes, batch_size=BATCH), passes=passes, max_norm=max_norm, rate=0.1)
    assert_same_record(recording.record, hand.record)
    assert recording.record.preflight.loss.factor == pytest.approx(1, rel=1e-3)
    assert_clipped(recording.record, max_norm)
    assert same(weights, trained(steps=24, passes=passes, max_norm=max_norm, record="no")[0])


@pytest.mark.slow
def test_a_sound_loop_is_healthy_and_a_thousandfold_rate_is_named() -> None:
    sound = trained(steps=200, passes=1, max_norm=None, record="watched")[1].diagnosis()
    sick = trained(steps=200, passes=1, max_norm=None, record="watched", rate=100.0)[1].diagnosis()
    assert sound.primary == "healthy"
    assert sick.findings[0].harm
    assert "learning_rate" in sick.findings[0].blames
