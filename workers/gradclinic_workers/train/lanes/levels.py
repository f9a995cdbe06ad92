"""The usual losses and gradient norms of all lanes, from which their plans see what stands out."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gradclinic_torch.measure.recording_steps import Level, RecordingSteps

Doubles = npt.NDArray[np.float64]

UPPER = Level.MEMORY - Level.MEMORY // 4
"""So many of the remembered values are at most their upper quartile."""


class LaneLevels:
    """The levels of adaptive plans. At a handover each plan is given its own."""

    def __init__(self, plans: Sequence[RecordingSteps]) -> None:
        self._plans = plans
        self._values = np.zeros((len(plans), 2, Level.MEMORY))
        """The last losses and gradient norms of each lane; the oldest is replaced first."""
        self._seen = np.zeros(len(plans), np.int64)
        """How many values each lane has had."""
        for values, plan in zip(self._values, plans, strict=True):
            for row, level in zip(values, plan.levels, strict=True):
                row[: len(level.values)] = level.values
        self._seen[:] = [len(plan.levels[0].values) for plan in plans]
        self._adaptive = [plan.adaptive for plan in plans]

    def saw(self, places: Sequence[int], steps: Sequence[int], shown: Doubles) -> None:
        """Add the loss and the gradient norm of the chosen lanes' steps, and tell the plans of those that stand out.

        steps: of every lane; shown: [lanes, 2], finite in the chosen lanes.
        """
        chosen = np.array([place for place in places if self._adaptive[place]], np.int64)
        values, new = self._values[chosen], shown[chosen]
        # A value that is above twice the upper quartile is above twice as many values.
        above = (Level.LEAST * values < new[:, :, None]).sum(axis=2) >= UPPER
        for row in np.flatnonzero(above.any(axis=1) & (self._seen[chosen] >= Level.MEMORY)):
            place = int(chosen[row])
            levels = zip(self._levels(place), new[row].tolist(), strict=True)
            if any(level.stands_out(value) for level, value in levels):
                self._plans[place].alarm(steps[place])
        self._values[chosen, :, self._seen[chosen] % Level.MEMORY] = new
        self._seen[chosen] += 1

    def hand_over(self) -> None:
        """Give each plan its levels."""
        for place, plan in enumerate(self._plans):
            plan.levels = self._levels(place)

    def _levels(self, place: int) -> tuple[Level, Level]:
        """The levels of a lane, oldest values first."""
        seen = int(self._seen[place])
        kept = min(seen, Level.MEMORY)
        losses, norms = np.roll(self._values[place], -(seen % Level.MEMORY) if kept < seen else 0, axis=1)[:, :kept]
        return Level(losses.tolist()), Level(norms.tolist())
