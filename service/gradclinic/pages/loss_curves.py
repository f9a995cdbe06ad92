"""The loss of any runs by step."""

from collections.abc import Mapping, Sequence
from math import isfinite

from ..kernel.errors import InsufficientData
from ..measurements.record import Series
from ..store import Run
from ..use_cases.service import Service
from .figures import ArmCurve, Figure, Validation, arm_curves
from .run_groups import grouped

SAME = 1.05
"""Ratio up to which the losses of always predicting the average are drawn as one."""


def loss_of(service: Service, run_ids: Sequence[str]) -> tuple[str, Mapping[str, Series]]:
    """What the loss is of, and the loss of each run by step: of the probe batch if some run has that."""
    probed, trained = (service.store.statistics.series_of(run_ids, name) for name in ("probe_loss", "train_loss"))
    if any(len(each) for each in probed.values()):
        return "probe batch", probed
    return "step's batch", trained


def loss_figure(service: Service, runs: Sequence[Run]) -> Figure:
    """The loss by step: a line for each experiment, and a band over its seeds."""
    what, series = loss_of(service, [run.id for run in runs])
    arms = [
        ArmCurve(group.name, own)
        for group in grouped(runs)
        if (own := [series[run.id] for run in group.runs if len(series[run.id])])
    ]
    if not arms:
        raise InsufficientData("none of these runs has recorded a loss yet")
    return arm_curves(
        arms,
        constant_loss=_constant_loss(runs),
        validation=validation_of(runs[0]) if len(runs) == 1 else None,
        title="Loss by run",
        note=f"loss of the {what}",
    )


def validation_of(run: Run) -> Validation | None:
    """The validation loss of a run that has ended with one."""
    loss = run.metrics.final_validation_loss if run.metrics is not None else None
    return None if loss is None or not isfinite(loss) else Validation(run.step, loss)


def _constant_loss(runs: Sequence[Run]) -> float | None:
    """The loss of having learned nothing, if it is about the same for all runs."""
    known = [run.outcome.constant_loss for run in runs if run.outcome is not None]
    found = [each for each in known if each is not None]
    return found[0] if found and max(found) <= SAME * min(found) else None
