"""One callback records what Lightning's Trainer trains."""

import logging
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader

from gradclinic_torch import Recording
from gradclinic_torch.lightning_callback import LightningRecording

from .frameworks import BATCH, LOOPS, Losing, assert_clipped, assert_same_record, by_hand, samples
from .loops import digits, same, weights_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
    pytest.mark.filterwarnings("ignore:.*isinstance.treespec, LeafSpec"),  # lightning's own use of torch
]


class Module(LightningModule):
    """The network of the other frameworks, trained as Lightning has it: its own forward is never called."""

    def __init__(self, *, rate: float = 0.1, depth: int = 3) -> None:
        super().__init__()
        self.model, self.rate = Losing(depth=depth), rate

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        return self.model(batch["inputs"], batch["labels"])["loss"]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=self.rate)


class ByHand(Module):
    """Steps by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: dict[str, Tensor], _: int) -> None:  # type: ignore[override]
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(super().training_step(batch, 0))
        optimizer.step()


class Pair(Module):
    """A module with two optimizers."""

    def __init__(self) -> None:
        super().__init__()
        self.automatic_optimization = False

    def training_step(self, batch: dict[str, Tensor], _: int) -> None:  # type: ignore[override]
        for optimizer in self.optimizers():
            optimizer.zero_grad()
            self.manual_backward(super().training_step(batch, 0))
            optimizer.step()

    def configure_optimizers(self) -> Any:
        return [torch.optim.SGD(self.parameters(), lr=0.1), torch.optim.SGD(self.parameters(), lr=0.01)]


def trained(
    module: Module, *, steps: int, passes: int = 1, max_norm: float | None = None, record: bool = True, **options: Any
) -> Recording | None:
    callback = LightningRecording(module.model.criterion, **options)
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[callback] if record else [], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        accumulate_grad_batches=passes, gradient_clip_val=max_norm,
    )  # fmt: skip
    trainer.fit(module, DataLoader(samples(digits(steps=steps * passes, batch_size=BATCH)), BATCH))
    return callback.recording


def recorded(module: Module, **options: Any) -> Recording:
    recording = trained(module, **options)
    assert recording is not None
    return recording


@pytest.fixture(autouse=True)
def _quiet() -> None:
    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)


@LOOPS
def test_a_trainer_is_recorded_as_the_same_loop_by_hand(passes: int, max_norm: float | None) -> None:
    module = Module()
    recording = recorded(module, steps=24, passes=passes, max_norm=max_norm)
    assert (recording.over, recording.step) == (None, 24)
    batches = digits(steps=24 * passes, batch_size=BATCH)
    hand = by_hand(batches, passes=passes, max_norm=max_norm, rate=0.1, steps=24)
    assert_same_record(recording.record, hand.record)
    assert_clipped(recording.record, max_norm)
    plain = Module()
    trained(plain, steps=24, passes=passes, max_norm=max_norm, record=False)
    assert same(weights_of(plain), weights_of(module))


def test_a_module_that_steps_by_itself_is_recorded_too() -> None:
    recording = trained(ByHand(), steps=12)
    assert recording is not None
    assert recording.step == 12
    hand = by_hand(digits(steps=12, batch_size=BATCH), passes=1, max_norm=None, rate=0.1, steps=12)
    assert_same_record(recording.record, hand.record)


def test_with_two_optimizers_nothing_is_recorded_and_that_is_said(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "gradclinic.recording")
    assert trained(Pair(), steps=3) is None
    assert [each.message for each in caplog.records] == ["nothing is recorded: there are 2 optimizers instead of one"]


def test_a_fit_that_is_left_has_what_was_recorded() -> None:
    class Failing(Module):
        def training_step(self, batch: dict[str, Tensor], number: int) -> Tensor:
            if number == 7:
                raise KeyError("gone")
            return super().training_step(batch, number)

    module, callback = Failing(), LightningRecording()
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[callback], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with pytest.raises(KeyError):
        trainer.fit(module, DataLoader(samples(digits(steps=12, batch_size=BATCH)), BATCH))
    assert callback.recording is not None
    outcome = callback.recording.record.outcome
    assert outcome is not None
    assert outcome.steps_done == 7


def test_the_trainer_s_own_plan_is_declared() -> None:
    facts = recorded(Module(), steps=6, max_norm=2.0)._facts
    assert (facts["steps"], facts["clipping"]) == (6, {"kind": "norm", "max_norm": 2.0})


@pytest.mark.slow
def test_a_sound_module_is_healthy_and_a_thousandfold_rate_is_named() -> None:
    sound = recorded(Module(), steps=200).diagnosis()
    sick = recorded(Module(rate=100.0), steps=200).diagnosis()
    assert sound.primary == "healthy"
    assert sick.findings[0].harm
    assert "learning_rate" in sick.findings[0].blames


@pytest.mark.parametrize("names", [("val_loss", "val_acc"), ("val/loss", "val/accuracy")])
def test_the_last_validation_results_that_a_module_logs_are_kept(names: tuple[str, str]) -> None:
    class Validated(Module):
        def validation_step(self, batch: dict[str, Tensor], _: int) -> None:
            self.log_dict(dict(zip(names, (2.0, 0.5), strict=True)))

    module, callback = Validated(), LightningRecording()
    data = DataLoader(samples(digits(steps=12, batch_size=BATCH)), BATCH)
    trainer = Trainer(
        max_epochs=1, accelerator="cpu", callbacks=[callback], logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, data, data)
    assert callback.recording is not None
    outcome = callback.recording.record.outcome
    assert outcome is not None
    assert (outcome.final_validation_loss, outcome.final_validation_accuracy) == (2.0, 0.5)
