"""The random control: a random remedy. A cure that does not beat it is no evidence.

In automatic repair, random changes often do as well as a proposed repair; the control detects this.
"""

import random
from collections.abc import Collection, Sequence

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InvalidRequest
from ..remedies import Remedy
from ..remedies.network import Network
from ..remedies.pool import pool


def random_remedy(
    experiment: Experiment, *, seed: int, listed: Collection[Sequence[Remedy]] = (), attempt: int = 0
) -> Remedy | None:
    """A random remedy that changes the experiment and equals none of the given arms; deterministic in its arguments.

    The kind is drawn first, then its fields, so kinds with many fields are not drawn more often. `attempt` counts
    repeated draws. None if no remedy of the pool applies.
    """
    results = {_applied(experiment, arm) for arm in listed} | {experiment}
    drawn = random.Random(f"random_remedy {seed} {attempt}")  # noqa: S311  # nothing secret is drawn
    by_kind: dict[str, list[Remedy]] = {}
    for remedy in pool(Network.declared(experiment)).values():
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


def _applied(experiment: Experiment, remedies: Sequence[Remedy]) -> Experiment | None:
    """The experiment after the remedies; None if one does not apply or the result is invalid."""
    try:
        for remedy in remedies:
            experiment = remedy.apply(experiment)
        lower(experiment)
    except InvalidRequest:
        return None
    return experiment
