"""Measures the loss of a probe beside a training, without side effects on it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from gradclinic.measurements.schedule import StepCost, probe_rows

from ..measure.probe import part_of, probe_loss
from ..measure.recorder import Recorder
from ..model.hooks import Watch
from ..sites.discovery import Found
from ..sites.taps import ProbeTaps
from .loop_facts import LoopFacts


class Probing:
    """The probe of a training, of which a part is evaluated where the plan says so; nothing without one."""

    def __init__(self, model: nn.Module, facts: LoopFacts, *, watch: Watch) -> None:
        self._model, self._facts, self._watch = model, facts, watch
        self._part: tuple[Any, Any] = (None, None)
        self._found: Sequence[Found] = ()
        self._device = torch.device("cpu")

    def begin(self, found: Sequence[Found], *, device: torch.device, cost: StepCost) -> None:
        """The sites were found. cost: what a step costs, from which the size of the part follows."""
        self._found, self._device = found, device
        if self._facts.probe is not None:
            rows = probe_rows(self._facts.plan, cost, steps=self._facts.steps)
            self._part = part_of(self._facts.probe, rows)

    def measure(self, recorder: Recorder, step: int, *, last: bool = False) -> None:
        """Measure a part of the probe where it is due; after the last step, look for dead units on all of it."""
        probe, criterion = self._facts.probe, self._facts.criterion
        if probe is None or criterion is None:
            return
        if last or recorder.plan.probe(step):
            recorder.after_probe(step, loss=probe_loss(self._model, criterion, self._part, device=self._device))
        if last and recorder.can_die:
            taps = ProbeTaps(self._found)
            with self._watch.viewed_by(taps):
                probe_loss(self._model, criterion, probe, device=self._device)
            if taps.complete:
                recorder.after_look(step, values=taps.values)
