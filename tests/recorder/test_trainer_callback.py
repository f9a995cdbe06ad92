"""One callback records what the Trainer of transformers trains."""

from pathlib import Path

import pytest
import torch
from torch.utils.data import SequentialSampler
from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments

from gradclinic_torch.trainer_callback import TrainerRecording

from .frameworks import BATCH, LOOPS, Losing, assert_clipped, assert_same_record, by_hand, samples
from .loops import Batches, digits, same, weights_of


class InOrder(Trainer):
    """Takes the samples in their order, and keeps the losses."""

    losses: list[float]

    def _get_train_sampler(self, train_dataset=None):
        return SequentialSampler(self.train_dataset)

    def training_step(self, *args, **kwargs):
        loss = super().training_step(*args, **kwargs)
        self.losses = [*getattr(self, "losses", []), float(loss)]
        return loss


def arguments(folder: Path, **changes: object) -> TrainingArguments:
    given = {
        "output_dir": str(folder), "per_device_train_batch_size": BATCH, "num_train_epochs": 1, "optim": "sgd",
        "learning_rate": 0.1, "lr_scheduler_type": "constant", "weight_decay": 0.0, "report_to": [], "use_cpu": True,
        "save_strategy": "no", "logging_strategy": "no", "disable_tqdm": True, "dataloader_pin_memory": False,
        "max_grad_norm": 0.0,
    }  # fmt: skip
    return TrainingArguments(**{**given, **changes})


def trained(model: torch.nn.Module, data: list[dict[str, torch.Tensor]], options: TrainingArguments, callback=None):
    trainer = InOrder(model, options, train_dataset=data, callbacks=[] if callback is None else [callback])
    trainer.train()
    return trainer


@LOOPS
def test_a_trainer_is_recorded_as_the_same_loop_by_hand(passes: int, max_norm: float | None, tmp_path: Path) -> None:
    batches: Batches = digits(steps=24 * passes, batch_size=BATCH)
    options = arguments(tmp_path, gradient_accumulation_steps=passes, max_grad_norm=max_norm or 0.0)
    model = Losing()
    callback = TrainerRecording(model.criterion)
    trained(model, samples(batches), options, callback)
    recording = callback.recording
    assert recording is not None
    assert recording.over is None
    assert recording.step == 24
    hand = by_hand(batches, passes=passes, max_norm=max_norm, rate=0.1, steps=24)
    assert_same_record(recording.record, hand.record)
    assert_clipped(recording.record, max_norm)
    plain = Losing()
    trained(plain, samples(batches), options)
    assert same(weights_of(plain), weights_of(model))


def gpt2(layers: int = 3) -> GPT2LMHeadModel:
    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=32, n_positions=32, n_embd=32, n_layer=layers, n_head=2, bos_token_id=0, eos_token_id=0
    )
    return GPT2LMHeadModel(config)


def counting(samples: int) -> list[dict[str, torch.Tensor]]:
    """Sequences that count up by three from a number drawn."""
    starts = torch.randint(32, (samples, 1), generator=torch.Generator().manual_seed(1))
    return [{"input_ids": row, "labels": row} for row in (starts + 3 * torch.arange(16)) % 32]


def of_gpt2(tmp_path: Path, *, rate: float, passes: int = 1, steps: int = 60):
    callback = TrainerRecording(constant_loss=3.4657)
    options = arguments(
        tmp_path, per_device_train_batch_size=8, optim="adamw_torch", learning_rate=rate, max_grad_norm=1.0,
        gradient_accumulation_steps=passes,
    )  # fmt: skip
    model = gpt2()
    trainer = trained(model, counting(8 * passes * steps), options, callback)
    assert callback.recording is not None
    return model, trainer, callback.recording


def test_the_losses_of_a_language_model_are_its_own_with_accumulation_too(tmp_path: Path) -> None:
    model, trainer, recording = of_gpt2(tmp_path, rate=1e-3, passes=2, steps=12)
    told = torch.tensor(trainer.losses).reshape(12, 2).sum(1)
    assert recording.record.get("train_loss").values[:, 0].tolist() == pytest.approx(told.tolist(), rel=1e-5)
    plain = gpt2()
    trained(plain, counting(8 * 2 * 12), trainer.args)
    assert same(weights_of(plain), weights_of(model))
    assert [each.name for each in recording.record.sites if each.in_profile]


def padded(samples: int) -> list[dict[str, torch.Tensor]]:
    """Sequences that count up by three, of 4 to 16 numbers, and padding that is no target."""
    rows = counting(samples)
    lengths = torch.randint(4, 17, (samples,), generator=torch.Generator().manual_seed(2))
    masks = (torch.arange(16) < lengths[:, None]).long()
    return [
        {
            "input_ids": row["input_ids"] * mask,
            "attention_mask": mask,
            "labels": row["labels"] * mask - 100 * (1 - mask),
        }
        for row, mask in zip(rows, masks, strict=True)
    ]


def test_a_loss_that_the_trainer_computes_over_padding_with_smoothed_labels_is_recorded(tmp_path: Path) -> None:
    def run(callback: TrainerRecording | None) -> tuple[torch.nn.Module, InOrder]:
        options = arguments(
            tmp_path, per_device_train_batch_size=8, optim="adamw_torch", learning_rate=3e-3, max_grad_norm=1.0,
            gradient_accumulation_steps=2, label_smoothing_factor=0.1,
        )  # fmt: skip
        model = gpt2()
        return model, trained(model, padded(8 * 2 * 40), options, callback)

    callback = TrainerRecording(constant_loss=3.4657)
    model, trainer = run(callback)
    assert callback.recording is not None
    assert callback.recording.step == 40
    record = callback.recording.record
    told = torch.tensor(trainer.losses).reshape(40, 2).sum(1)
    assert record.get("train_loss").values[:, 0].tolist() == pytest.approx(told.tolist(), rel=1e-5)
    assert_clipped(record, 1.0)
    assert callback.recording.diagnosis().primary == "healthy"
    assert same(weights_of(run(None)[0]), weights_of(model))


@pytest.mark.slow
def test_a_sound_trainer_is_healthy_and_a_thousandfold_rate_is_named(tmp_path: Path) -> None:
    sound = of_gpt2(tmp_path, rate=3e-3, steps=120)[2].diagnosis()
    sick = of_gpt2(tmp_path, rate=3.0, steps=120)[2].diagnosis()
    assert sound.primary == "healthy"
    assert sick.findings[0].harm
    assert "learning_rate" in sick.findings[0].blames


def test_the_trainer_s_own_plan_is_declared(tmp_path: Path) -> None:
    batches = digits(steps=6, batch_size=BATCH)
    callback = TrainerRecording(seed=7)
    trained(Losing(), samples(batches), arguments(tmp_path, max_grad_norm=2.0), callback)
    assert callback.recording is not None
    facts = callback.recording._facts
    assert (facts["steps"], facts["seed"], facts["clipping"]) == (6, 7, {"kind": "norm", "max_norm": 2.0})


def test_the_last_evaluation_is_the_validation(tmp_path: Path) -> None:
    data = samples(digits(steps=6, batch_size=BATCH))
    callback = TrainerRecording()
    trainer = InOrder(
        Losing(), arguments(tmp_path, eval_strategy="epoch"), train_dataset=data, eval_dataset=data[:64],
        callbacks=[callback],
    )  # fmt: skip
    trainer.train()
    assert callback.recording is not None
    outcome = callback.recording.record.outcome
    assert outcome is not None
    assert outcome.final_validation_loss == pytest.approx(trainer.evaluate()["eval_loss"])
    assert callback.recording.step == 6
