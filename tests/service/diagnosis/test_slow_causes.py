"""What is said to keep a network from learning."""

from dataclasses import replace

from gradclinic.diagnosis.features import extract
from gradclinic.diagnosis.slow_causes import cause
from gradclinic.diagnosis.thresholds import Thresholds

from .records import changed, failed, healthy_record
from .seen import REGRESSION


def said_of(*, batch_size, step_samples):
    flat = changed(healthy_record(), {"probe_loss": 2.3, "train_loss": 2.3}, outcome=failed())
    look = REGRESSION.model_copy(update={"batch_size": batch_size, "step_samples": step_samples})
    record = replace(flat, preflight=look)
    return cause(extract(record), record, Thresholds())[0]


def test_steps_of_few_samples_are_noise_unless_they_follow_several_batches():
    assert "each step follows 1 sample only" in said_of(batch_size=1, step_samples=None)
    assert "each step follows 2 samples only" in said_of(batch_size=1, step_samples=2)
    assert "each step follows" not in said_of(batch_size=1, step_samples=32)
