"""The metrics of made-up runs."""

from dataclasses import replace
from typing import Any

from gradclinic.measurements.metrics import RunMetrics

NOTHING = RunMetrics(
    final_train_loss=float("nan"),
    relative_train_loss=None,
    final_validation_loss=None,
    final_validation_accuracy=None,
    steps_to_target=None,
    train_seconds=None,
    recording_seconds=None,
    saved_share=None,
    steps_done=0,
    nonfinite_step=None,
    peak_memory_bytes=None,
)


def metrics(**known: Any) -> RunMetrics:
    """The metrics of a run of which no more is known; its training loss is not finite where it is not given."""
    return replace(NOTHING, **known)
