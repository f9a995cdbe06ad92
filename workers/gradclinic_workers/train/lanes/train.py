"""The training loop of an ensemble: that of a lone run (`fit`), for all lanes at once.

    build, initialize, first look -> started           each lane alone
    for each step:
        lanes that end, are stopped or decided leave   each lane alone, from what it was handed over
        probe, forward, backward, clip, update         all lanes at once
        a lane's step is not finite? it takes it again, alone
    window full? flush -> reporter.flushed             each lane, with a checkpoint if due

A lane equals its lone run up to the order in which sums are rounded: to 1e-12 in float64. It does not depend on the
lanes beside it, so that a lane that is resumed later, among others, continues bit for bit.
"""

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import torch

from gradclinic.diagnosis.stopping import due
from gradclinic.experiments.experiment import Experiment
from gradclinic.measurements.estimate import estimate
from gradclinic.measurements.record import RunRecord

from .. import fit
from ..device import out_of_memory, ran_out_of_memory
from ..reporter import Reporter, Silent
from .ensemble import Ensemble
from .lane import Lane

STEPS_TIMED = 5
"""Steps of a lone run from which it is measured what one takes."""
Result = RunRecord | Exception
"""The record of a run, or why it has none: Interrupted, TrainingFailed, or what its reporter raised."""


@dataclass(frozen=True)
class LaneRun:
    """A run to be trained in an ensemble."""

    experiment: Experiment
    reporter: Reporter = field(default_factory=Silent)
    checkpoint: bytes | None = None


def train_together(runs: Sequence[LaneRun], *, record: bool = True) -> Iterator[tuple[int, Result]]:
    """Train resolved experiments of one form on the CPU; yields each one's place and result when it has ended.

    The arguments mean for each run what they mean for `fit.train`. An error in one lane ends only that lane.
    """
    with torch.random.fork_rng(devices=[]):
        lanes: list[Lane] = []
        for index, run in enumerate(runs):
            lane = _begun(index, run, record=record)
            if isinstance(lane, Lane):
                lanes.append(lane)
            else:
                yield index, lane
        _time_alone(lanes)
        yield from _Loop(lanes, record=record).run()


class _Loop:
    """The lanes that are still in training."""

    def __init__(self, lanes: Sequence[Lane], *, record: bool) -> None:
        self._lanes, self._record = list(lanes), record
        self._flushed_at = time.perf_counter()

    def run(self) -> Iterator[tuple[int, Result]]:
        """The loop described in the module's docstring."""
        ensemble: Ensemble | None = None
        while self._lanes:
            left = list(self._leaving(ensemble))
            yield from left
            if left or ensemble is None:
                self._leave(left)
                if not self._lanes:
                    return
                ensemble = Ensemble(self._lanes, record=self._record)
            try:
                alone = ensemble.step()
            except Exception as error:  # noqa: BLE001  # whatever it is, no lane can go on from it
                yield from [(lane.index, _explained(error, lane, lanes=len(self._lanes))) for lane in self._lanes]
                return
            if alone:
                ensemble = None
            elif self._window_is_full(ensemble):
                due = {lane.index for lane in self._lanes if lane.fit.reporter.checkpoint_due()}
                ensemble.hand_over(optimizers=bool(due))
                failed = list(self._flush(due))
                yield from failed
                if failed:
                    ensemble.hand_over()
                    self._leave(failed)
                    ensemble = None

    def _leaving(self, ensemble: Ensemble | None) -> Iterator[tuple[int, Result]]:
        """The lanes that take no further step, and their results."""
        asking = [(lane, lane.fit.reporter.should_stop()) for lane in self._lanes]
        asking = [(lane, stops) for lane, stops in asking if stops or lane.fit.has_ended or _is_due(lane)]
        if asking and ensemble is not None:
            ensemble.probe_at_end()
            ensemble.hand_over()
        for lane, stops in asking:
            result = _ending(lane, stops=stops)
            if result is not None:
                yield lane.index, result

    def _leave(self, results: Sequence[tuple[int, Result]]) -> None:
        gone = {index for index, _ in results}
        self._lanes = [lane for lane in self._lanes if lane.index not in gone]

    def _window_is_full(self, ensemble: Ensemble) -> bool:
        waited = time.perf_counter() - self._flushed_at
        return waited >= fit.WINDOW_SECONDS or ensemble.recorder.pending >= fit.WINDOW_RECORDS

    def _flush(self, due: Collection[int]) -> Iterator[tuple[int, Result]]:
        """Flush every lane, with a checkpoint where it is due; the lanes that cannot, and why."""
        for lane in self._lanes:
            try:
                with lane.alone() as own:
                    own.flush(checkpoint=lane.index in due)
            except Exception as error:  # noqa: BLE001  # of its reporter; the other lanes go on
                yield lane.index, error
        self._flushed_at = time.perf_counter()


def _begun(index: int, run: LaneRun, *, record: bool) -> Lane | Exception:
    try:
        lane = Lane(index, run.experiment, reporter=run.reporter, record=record)
        with lane.alone() as own:
            own.begin(run.checkpoint)
    except Exception as error:  # noqa: BLE001  # the other lanes go on
        return error
    return lane


def _time_alone(lanes: Sequence[Lane]) -> None:
    """Measure what a step of each lane takes alone, once for lanes that differ only in their seeds.

    A lane's part of the ensemble's time says how many lanes there were, and not what its experiment costs.
    """
    measured: dict[str, float] = {}
    for lane in lanes:
        experiment = lane.fit.experiment
        training = experiment.training.model_copy(update={"seed": 0})
        kind = experiment.model_copy(update={"training": training}).model_dump_json()
        if kind not in measured:
            measured[kind] = _alone_step_seconds(experiment)
        lane.fit.progress.alone_step_seconds = measured[kind]


def _alone_step_seconds(experiment: Experiment) -> float:
    """Median seconds of the first steps of a lone run that is thrown away."""
    with torch.random.fork_rng(devices=[]):
        alone = fit.Fit(experiment, device="cpu", reporter=Silent(), record=False)
        totals = [0.0]
        while len(totals) <= 1 + STEPS_TIMED and not alone.has_ended:
            alone.one_step()
            alone.clock.read(into=alone.progress)
            totals.append(alone.progress.train_seconds)
    seconds = [after - before for before, after in pairwise(totals)]
    return median(seconds[1:] or seconds)  # the first step loads what the others use


def _is_due(lane: Lane) -> bool:
    return due(lane.fit.experiment.training.stop_when, step=lane.step)


def _ending(lane: Lane, *, stops: bool) -> Result | None:
    """The result of a lane that takes no further step; None if it does."""
    try:
        with lane.alone() as own:
            if not own.has_ended and stops:
                own.interrupt()
            if own.has_ended or own.is_decided():
                return own.end()
    except Exception as error:  # noqa: BLE001  # the other lanes go on
        return error
    return None


def _explained(error: Exception, lane: Lane, *, lanes: int) -> Exception:
    if not ran_out_of_memory(error):
        return error
    return out_of_memory("cpu", estimated_bytes=lanes * estimate(lane.fit.experiment).memory_bytes)
