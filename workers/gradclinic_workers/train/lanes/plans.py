"""What the plans of all lanes want of a step."""

from collections.abc import Sequence
from typing import NamedTuple

from gradclinic_torch.measure.recording_steps import RecordingSteps

from .chosen import Chosen
from .lane import Lane


class Wanted(NamedTuple):
    """What one plan wants of a step."""

    basic: bool
    sites: bool
    full: bool
    compared: bool
    """Whether the next step is compared with this one."""
    probe: bool
    units: bool


NOTHING = Wanted(basic=False, sites=False, full=False, compared=False, probe=False, units=False)


class LanePlans:
    """The plans of all lanes. Lanes that declare the same share its answer, unless their plan has since changed."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._plans = [lane.fit.recorder.plan for lane in lanes]
        self._declared = [
            (lane.fit.experiment.recording.model_dump_json(), lane.fit.experiment.training.steps) for lane in lanes
        ]
        self._everyone, self._nobody = Chosen(range(len(lanes)), lanes=len(lanes)), Chosen([], lanes=len(lanes))

    def wanted(self, steps: Sequence[int]) -> list[Wanted]:
        """Of the step of each lane."""
        shared: dict[tuple[tuple[str, int], int], Wanted] = {}
        found = []
        for plan, declared, step in zip(self._plans, self._declared, steps, strict=True):
            if not plan.is_as_declared(step):
                found.append(_asked(plan, step))
                continue
            wanted = shared.get((declared, step))
            if wanted is None:
                wanted = shared[declared, step] = _asked(plan, step)
            found.append(wanted)
        return found

    def chosen(self, wanted: Sequence[bool]) -> Chosen:
        """The lanes for which something is wanted."""
        if all(wanted):
            return self._everyone
        if not any(wanted):
            return self._nobody
        return Chosen([place for place, each in enumerate(wanted) if each], lanes=len(wanted))


def _asked(plan: RecordingSteps, step: int) -> Wanted:
    basic = plan.basic(step)
    return Wanted(
        basic=basic,
        sites=basic and plan.sites(step),
        full=plan.full(step),
        compared=plan.foreseen(step + 1),
        probe=plan.probe(step),
        units=plan.units(step),
    )
