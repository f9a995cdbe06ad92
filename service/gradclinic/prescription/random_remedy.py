"""The control of every trial: a remedy drawn by chance. A cure that does not beat it has cured nothing.

"Repair" that a random remedy would equal is a known trap of automatic repair, hence the control.
"""

import random
from collections.abc import Collection, Sequence
from functools import cache

from pydantic import TypeAdapter

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InvalidRequest
from ..remedies import REMEDIES, AnyRemedy, Remedy
from ..remedies.against import common


def random_remedy(
    experiment: Experiment, *, seed: int, listed: Collection[Sequence[Remedy]] = (), attempt: int = 0
) -> Remedy | None:
    """A remedy that applies to the experiment, changes it, and is no listed arm; the same for the same arguments.

    A kind is drawn first, then its knobs, so that kinds with many knobs are not drawn more often. `attempt` counts
    further draws. None where no remedy of the pool applies.
    """
    results = {_applied(experiment, arm) for arm in listed} | {experiment}
    drawn = random.Random(f"random_remedy {seed} {attempt}")  # noqa: S311  # nothing secret is drawn
    by_kind: dict[str, list[Remedy]] = {}
    for remedy in pool():
        by_kind.setdefault(remedy.kind, []).append(remedy)
    kinds = sorted(by_kind)
    drawn.shuffle(kinds)
    for kind in kinds:
        choices = by_kind[kind]
        drawn.shuffle(choices)
        for remedy in choices:
            changed = _applied(experiment, [remedy])
            if changed is not None and changed not in results:
                return remedy
    return None


@cache
def pool() -> tuple[Remedy, ...]:
    """Every remedy that can be drawn: each kind of the catalogue, with common values of its knobs."""
    defaults = TypeAdapter[Remedy](AnyRemedy)
    return tuple(remedy for kind in REMEDIES for remedy in common(kind) or [defaults.validate_python({"kind": kind})])


def _applied(experiment: Experiment, remedies: Sequence[Remedy]) -> Experiment | None:
    """The experiment after the remedies; None where one refuses or the result does not fit."""
    try:
        for remedy in remedies:
            experiment = remedy.apply(experiment)
        lower(experiment)
    except InvalidRequest:
        return None
    return experiment
