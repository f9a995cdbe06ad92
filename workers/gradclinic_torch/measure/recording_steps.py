"""The recorder's plan: which steps are recorded, and how fully.

A pure function of the step and of the losses and gradient norms before it, so that a run that is interrupted and
resumed has the same plan: dense early, then every so many steps, dense again after a step that stood out.
"""

import math
from bisect import insort
from collections import deque
from collections.abc import Iterable, Sequence

from gradclinic.experiments.experiment import RecordingPlan
from gradclinic.measurements.record import ALARMS, DENSE_STEPS
from gradclinic.measurements.schedule import UNKNOWN, scheduled

SITES_DENSE = 10
"""Steps at the start of a run whose gradients at the layer outputs are all recorded, if the plan leaves that open."""
NORMS_DENSE, NORMS_EVERY = 10, 4
"""Where the norms of the weights' gradients cost something beside the training, as in a loop of a program's own, they
are taken at each of so many steps at the start, then at every so many, unless more is recorded."""
RAREST = 4
"""In a run of unknown length, gradients at the layer outputs and all statistics are recorded up to so many times as
rarely later."""
RISE = 0.01
"""After a rise by this fraction of the first probe's loss, probes come twice as often. It is a fifth of the rise that
counts as an oscillation, if the first loss is about that of always predicting the average."""
UNSETTLED = 3
"""Intervals between probes for which they do."""
SEEN_BY = 16
"""They do so from a multiple of this to another, because by then every device has been asked for the loss, so that all
have the same plan."""


class Level:
    """The last 32 values of a positive quantity, and whether a new value is an outlier.

    It does above Tukey's far-out fence, three interquartile ranges over the upper quartile, of the logarithm, and at
    least at twice that quartile. Noise that is normal in the logarithm does so in less than 1 of 1000 steps, whatever
    its size (simulated).
    Source: Tukey 1977, Exploratory Data Analysis, section 2D.
    """

    MEMORY, RANGES, LEAST = 32, 3, 2.0

    def __init__(self, values: Iterable[float] = ()) -> None:
        self.values = deque(values, maxlen=self.MEMORY)
        self._sorted = sorted(self.values)

    def stands_out(self, value: float) -> bool:
        """Whether a value is far above the previous ones; never with fewer than 32."""
        if len(self.values) < self.MEMORY:
            return False
        lower, upper = self._sorted[self.MEMORY // 4], self._sorted[-1 - self.MEMORY // 4]
        return lower > 0 and value > upper * max(self.LEAST, (upper / lower) ** self.RANGES)

    def add(self, value: float) -> None:
        """Remember a value."""
        if len(self.values) == self.MEMORY:
            self._sorted.remove(self.values[0])
        self.values.append(value)
        insort(self._sorted, value)


class RecordingSteps:
    """Decides which statistics are recorded at which step of a run."""

    def __init__(self, recording: RecordingPlan, steps: int | None, *, look_every: int = 1) -> None:
        """Of a run of that many steps, or of a number that nobody knows.

        What a step showed changes the plan at the next multiple of `look_every`, as often as a device is asked.
        """
        plan = scheduled(recording, steps=steps)
        if plan.sites_every is None or plan.full_every is None or plan.probe_every is None or plan.units_every is None:
            raise TypeError("a scheduled plan has a number for each of them")
        self._recording, self._steps = recording, steps
        self._sites_every, self._full_every = plan.sites_every, plan.full_every
        self._probe_every, self._units_every = plan.probe_every, plan.units_every
        self._dense_until = plan.dense_until or 0
        self._sites_dense = SITES_DENSE if recording.sites_every is None and recording.every == 1 else 0
        self.look_every = look_every
        self._loss, self._norm = Level(), Level()
        self._alarms = 0
        self._dense = range(0)
        self._first_probe, self._last_probe = math.nan, math.nan
        self._unsettled = range(0)

    def full(self, step: int) -> bool:
        """Whether all statistics are recorded at this step."""
        return self._planned(step) or self.alarmed(step)

    def basic(self, step: int) -> bool:
        """Whether the basic statistics are recorded at this step."""
        return self.full(step) or step % self._recording.every == 0

    def norms(self, step: int) -> bool:
        """Whether the norms of the gradients are worth their cost at this step, where training does not need them."""
        if step < NORMS_DENSE or step % NORMS_EVERY == 0 or self.look_every > 1 or self._recording.every > 1:
            return True
        return self.sites(step)

    def sites(self, step: int) -> bool:
        """Whether the gradients at the layer outputs are recorded at this step."""
        if self.full(step) or step < self._sites_dense:
            return True
        rarer = 1 if self._recording.sites_every or self._recording.every > 1 else min(RAREST, self._rarer(step))
        return step % (self._sites_every * rarer) == 0 and self.basic(step)

    def alarmed(self, step: int) -> bool:
        """Whether this step is recorded because an earlier one was an outlier."""
        return step in self._dense

    def is_as_declared(self, step: int) -> bool:
        """Whether no earlier step has changed what is recorded at this one, or will be at the next."""
        return step not in self._dense and step + 1 not in self._dense and step not in self._unsettled

    def foreseen(self, step: int) -> bool:
        """Whether all statistics will be recorded at this step, as far as every device knows the step before."""
        return self._planned(step) or (self.alarmed(step) and step != self._dense.start)

    def probe(self, step: int) -> bool:
        """Whether the probe batch is measured before this step; also after the last."""
        every = self._probe_every * self._rarer(step)
        if step in self._unsettled:
            every = max(1, every // 2)
        return step % every == 0 or step == self._steps

    def units(self, step: int) -> bool:
        """Whether dead units are looked for before this step; also after the last."""
        return step % (self._units_every * self._rarer(step)) == 0 or step == self._steps

    def saw_probe(self, step: int, loss: float) -> None:
        """Add the probe's loss before a step. After a rise, probes come twice as often for a while, if that is open."""
        if not self._recording.adaptive or self._recording.probe_every is not None:
            return
        if loss - self._last_probe > RISE * self._first_probe:
            first = self._unsettled.start if step in self._unsettled else _seen_by(step)
            self._unsettled = range(first, _seen_by(step + UNSETTLED * self._probe_every * self._rarer(step)))
        self._last_probe = loss
        if math.isnan(self._first_probe):
            self._first_probe = loss

    def saw(self, step: int, *, loss: float, grad_norm: float | None) -> None:
        """Add the loss and the gradient norm of a step, both finite. grad_norm: None where it was not taken."""
        if not self.adaptive:
            return
        stood_out = self._loss.stands_out(loss) or (grad_norm is not None and self._norm.stands_out(grad_norm))
        self._loss.add(loss)
        if grad_norm is not None:
            self._norm.add(grad_norm)
        if stood_out:
            self.alarm(step)

    def alarm(self, step: int) -> None:
        """Record the next steps in full, since this one stood out; not again while they last, and `ALARMS` times."""
        if step >= self._dense.stop and self._alarms < ALARMS:
            first = (step // self.look_every + 1) * self.look_every
            self._dense, self._alarms = range(first, first + DENSE_STEPS), self._alarms + 1

    @property
    def levels(self) -> tuple[Level, Level]:
        """Those of the losses and of the gradient norms."""
        return self._loss, self._norm

    @levels.setter
    def levels(self, levels: tuple[Level, Level]) -> None:
        self._loss, self._norm = levels

    def _rarer(self, step: int) -> int:
        """The factor of an interval in a run of unknown length: it doubles whenever the number of steps has."""
        return 1 if self._steps is not None else 1 << (step // UNKNOWN).bit_length()

    def _planned(self, step: int) -> bool:
        rarer = 1 if self._recording.full_every else min(RAREST, self._rarer(step))
        return step < self._dense_until or step % (self._full_every * rarer) == 0

    @property
    def adaptive(self) -> bool:
        """Whether the plan depends on the values of the steps."""
        return self._recording.adaptive

    def state(self) -> list[list[float]]:
        """The state that a resumed plan needs."""
        return [
            list(self._loss.values),
            list(self._norm.values),
            [self._alarms, self._dense.start, self._dense.stop],
            [self._first_probe, self._last_probe, self._unsettled.start, self._unsettled.stop],
        ]

    def resume(self, state: Sequence[Sequence[float]]) -> None:
        """Continue from the state of another plan of the same run."""
        self._loss, self._norm = Level(state[0]), Level(state[1])
        self._alarms, start, stop = (int(number) for number in state[2])
        self._dense = range(start, stop)
        probes = state[3] if len(state) > 3 else (math.nan, math.nan, 0, 0)  # earlier versions did not keep them
        self._first_probe, self._last_probe = probes[:2]
        self._unsettled = range(int(probes[2]), int(probes[3]))


def _seen_by(step: int) -> int:
    """The first step by which every device knows what this one showed."""
    return (step // SEEN_BY + 1) * SEEN_BY
