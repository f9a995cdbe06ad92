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
        self._values = np.full((Level.MEMORY, len(plans), 2), np.inf)
        """The last losses and gradient norms of each lane; the oldest is replaced first."""
        for place, plan in enumerate(plans):
            for number, level in enumerate(plan.levels):
                self._values[: len(level.values), place, number] = level.values
        self._seen = np.array([len(plan.levels[0].values) for plan in plans])
        """How many values each lane has had."""
        self._adaptive = {place for place, plan in enumerate(plans) if plan.adaptive}

    def saw(self, places: Sequence[int], steps: Sequence[int], shown: Doubles) -> None:
        """Add the loss and the gradient norm of the chosen lanes' steps, and tell the plans of those that stand out.

        steps: of every lane; shown: [lanes, 2], finite in the chosen lanes.
        """
        chosen = np.array(sorted(self._adaptive.intersection(places)), np.int64)
        values, new = self._values.take(chosen, axis=1), shown.take(chosen, axis=0)
        # A value that is above twice the upper quartile is above twice as many values. Missing values are infinite.
        above = (values <= new / Level.LEAST).sum(axis=0, dtype=np.int8) >= UPPER
        for row in np.flatnonzero(above.any(axis=1)):
            place = int(chosen[row])
            levels = zip(self._levels(place), new[row].tolist(), strict=True)
            if any(level.stands_out(value) for level, value in levels):
                self._plans[place].alarm(steps[place])
        self._values[self._seen[chosen] % Level.MEMORY, chosen] = new
        self._seen[chosen] += 1

    def hand_over(self) -> None:
        """Give each plan its levels."""
        for place, plan in enumerate(self._plans):
            plan.levels = self._levels(place)

    def _levels(self, place: int) -> tuple[Level, Level]:
        """The levels of a lane, oldest values first."""
        seen = int(self._seen[place])
        oldest = seen % Level.MEMORY if seen > Level.MEMORY else 0
        losses, norms = np.roll(self._values[:, place], -oldest, axis=0)[: min(seen, Level.MEMORY)].T.tolist()
        return Level(losses), Level(norms)
