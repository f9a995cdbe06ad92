"""Where records are kept: in memory, or in a service that a sender sends them to."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from gradclinic.kernel.json import JsonObject
from gradclinic.measurements.outcome import outcome_of
from gradclinic.measurements.record import RunRecord, Series, SiteInfo, WeightInfo
from gradclinic.measurements.recording import Declaration, Ending

from .sender import Sender


class Sink(Protocol):
    """Receives what the observer sees."""

    def found(
        self, sites: list[SiteInfo], weights: list[WeightInfo], *, batch_size: int, environment: JsonObject
    ) -> None:
        """The sites and weights are known; nothing is recorded yet."""

    def window(self, step: int, series: dict[str, Series]) -> None:
        """Receives the records since the last window, up to `step` finished steps."""

    def broke(self, step: int) -> None:
        """The loss or the gradient was not finite at this step; later steps are not recorded."""


class Keeper(Protocol):
    """Keeps a recording."""

    def declared(self, declaration: Declaration) -> None:
        """Receives the declaration."""

    def took(self, step: int, series: dict[str, Series]) -> str | None:
        """Receives new records; returns the reason if no more are accepted, otherwise None."""

    def ended(self, ending: Ending, *, patience_s: float) -> None:
        """Receives the ending."""


class Here:
    """Keeps a recording in memory."""

    def __init__(self) -> None:
        self._declaration: Declaration | None = None
        self._parts: dict[str, list[Series]] = {}
        self._ending: Ending | None = None

    def declared(self, declaration: Declaration) -> None:
        self._declaration = declaration

    def took(self, step: int, series: dict[str, Series]) -> str | None:
        for name, each in series.items():
            self._parts.setdefault(name, []).append(each)
        return None

    def ended(self, ending: Ending, *, patience_s: float) -> None:
        self._ending = ending

    def record(self, step: int) -> RunRecord:
        """Everything so far; raises RuntimeError before the first step."""
        if self._declaration is None:
            raise RuntimeError("nothing has been recorded yet")
        record = RunRecord.of(
            self._declaration.layout(),
            {name: _joined(parts) for name, parts in self._parts.items()},
            environment=self._declaration.environment,
            steps_done=step,
        )
        if self._ending is None:
            return record
        constant = self._declaration.constant_loss
        outcome = outcome_of(record, steps_done=step, ending=self._ending, constant_loss=constant)
        return replace(record, outcome=outcome, preflight=self._ending.preflight)


class Elsewhere:
    """Sends a recording to a service."""

    def __init__(self, sender: Sender, *, called: JsonObject) -> None:
        """`called`: what the request has in addition to the declaration, such as the name."""
        self.sender = sender
        self._called = called
        self._begun = False

    def declared(self, declaration: Declaration) -> None:
        self._begun = True
        self.sender.declare({**declaration.to_json(), **self._called})

    def took(self, step: int, series: dict[str, Series]) -> str | None:
        return self.sender.window(step, series)

    def ended(self, ending: Ending, *, patience_s: float) -> None:
        if self._begun:
            self.sender.finish(ending.to_json(), patience_s=patience_s)


def _joined(parts: list[Series]) -> Series:
    return Series(np.concatenate([part.steps for part in parts]), np.concatenate([part.values for part in parts]))
