"""The outcome of a run recorded from an external program, as far as it is known."""

import numpy as np

from .losses import LEARNED
from .preflight import Preflight
from .record import Outcome, RunRecord, Series
from .recording import Ending, number_of

TAIL_SHARE, TAIL_MOST = 20, 100
"""Without a probe, the final loss is the mean of the last batch losses: one in 20 of all, at most 100."""


def outcome_of(record: RunRecord, *, steps_done: int, ending: Ending, constant_loss: float | None) -> Outcome | None:
    """The outcome from the program's declaration and its statistics; fields are None if neither provides them."""
    constant = constant_loss if ending.constant_loss is None else ending.constant_loss
    loss, probe = as_the_criterion_has_it(record.get("train_loss"), ending.preflight), record.get("probe_loss")
    initial, final = number_of(ending.initial_train_loss), number_of(ending.final_train_loss)
    if initial is None:
        initial = _first(probe) if len(probe) and probe.steps[0] == 0 else _first(loss)
    nonfinite = _broke_at(record)
    if final is None:
        final = _tail(probe, loss, steps_done=steps_done, broke=nonfinite is not None)
    if initial is None or final is None:
        return None
    return Outcome(
        steps_done=steps_done,
        nonfinite_step=nonfinite,
        initial_train_loss=initial,
        final_train_loss=final,
        constant_loss=constant,
        final_validation_loss=number_of(ending.final_validation_loss),
        final_validation_accuracy=ending.final_validation_accuracy,
        steps_to_target=_steps_to_target(probe, constant),
        train_seconds=ending.train_seconds,
        recording_seconds=ending.recording_seconds,
        peak_memory_bytes=ending.peak_memory_bytes,
        nonfinite_origin=ending.nonfinite_origin,
        ranks=ending.ranks,
        spikes=ending.spikes,
    )


def as_the_criterion_has_it(loss: Series, seen: Preflight | None) -> Series:
    """The losses that a program differentiated, divided by the factor it multiplied the criterion's loss by."""
    factor = seen.loss.factor if seen is not None and seen.loss is not None else None
    return loss if factor is None else Series(loss.steps, loss.values / np.float32(factor))


def _first(series: Series) -> float | None:
    return float(series.values[0, 0]) if len(series) else None


def _tail(probe: Series, loss: Series, *, steps_done: int, broke: bool) -> float | None:
    if broke:
        return float("nan")
    if len(probe) and probe.steps[-1] >= steps_done:
        return float(probe.values[-1, 0])
    if not len(loss):
        return None
    last = min(TAIL_MOST, max(1, len(loss) // TAIL_SHARE))
    return float(loss.values[-last:, 0].mean(dtype=np.float64))


def _broke_at(record: RunRecord) -> int | None:
    """First step after which no loss or no gradient norm was finite; steps that the program skipped do not count."""
    found = []
    for series in (record.get("train_loss"), record.get("grad_norm_l2")):
        finite = np.flatnonzero(np.isfinite(series.values[:, 0]))
        after = int(finite[-1]) + 1 if len(finite) else 0
        if after < len(series):
            found.append(int(series.steps[after]))
    return min(found, default=None)


def _steps_to_target(probe: Series, constant: float | None) -> int | None:
    if constant is None:
        return None
    reached = probe.steps[probe.values[:, 0] <= LEARNED * constant]
    return int(reached[0]) if len(reached) else None
