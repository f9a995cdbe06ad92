"""Tests whether the six common remedies are worth trying in the order in which they are usually listed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations
from math import factorial

from ..diagnosis.confidence import wilson
from ..experiments.experiment import Experiment
from ..experiments.lowering import lower
from ..kernel.errors import InvalidRequest
from ..remedies import Remedy
from ..remedies.add_batch_norm import AddBatchNorm
from ..remedies.add_skip_connections import AddSkipConnections
from ..remedies.clip_gradients import ClipGradients
from ..remedies.lower_learning_rate import LowerLearningRate
from ..remedies.set_initialization import SetInitialization
from ..remedies.swap_activation import SwapActivation
from .claim import Arms, Claim, Figure, Ruling, Seeds
from .population import broken

ORDER: Mapping[str, Sequence[Remedy]] = {
    "swap activation": [SwapActivation()],
    "batch norm": [AddBatchNorm()],
    "lower learning rate": [LowerLearningRate()],
    "skip connections": [AddSkipConnections()],
    "initialization": [SetInitialization()],
    "clip gradients": [ClipGradients()],
}
"""The common order, most relevant first."""

BY_CHANCE = 0.05
"""Significance level: the largest fraction of random orders that may agree with the measurement at least as well."""


FULL: Mapping[str, int] = {"steps": 400}
QUICK: Mapping[str, int] = {"steps": 120, "image_batch": 16}


def _arms(*, quick: bool) -> Arms:
    arms: dict[str, Experiment] = {}
    for name, (_, experiment) in broken(**(QUICK if quick else FULL)).items():
        arms[name] = experiment
        for label, remedies in _tried().items():
            changed = _applied(experiment, remedies)
            if changed is not None:
                arms[f"{name} + {label}"] = changed
    return arms


def _tried() -> dict[str, Sequence[Remedy]]:
    return {**ORDER, "batch norm and initialization": [AddBatchNorm(), SetInitialization()]}


def _applied(experiment: Experiment, remedies: Sequence[Remedy]) -> Experiment | None:
    try:
        for remedy in remedies:
            experiment = remedy.apply(experiment)
        lower(experiment)
    except InvalidRequest:
        return None
    return experiment


def _decide(seeds: Seeds) -> Ruling:
    population = broken(steps=1)
    sick = {name: condition for name, (condition, _) in population.items() if not _fixed(seeds, name)}
    shares = {label: _fixed_of(seeds, sick, label) for label in _tried()}
    measured = [share.value for label, share in shares.items() if label in ORDER]
    p = _chance(measured)
    best = sorted(ORDER, key=lambda label: -shares[label].value)
    by_condition = {
        condition: {
            label: _fixed_of(seeds, [name for name in sick if sick[name] == condition], label) for label in ORDER
        }
        for condition in dict.fromkeys(sick.values())
    }
    winners = {condition: _winners(row) for condition, row in by_condition.items()}
    figures = [*shares.values()]
    figures += [
        replace(share, name=f"{condition}: {share.name}")
        for condition, row in by_condition.items()
        for share in row.values()
    ]
    figures.append(Figure("random orders that agree as well", p, "fraction", n=factorial(len(ORDER)), of="orders"))
    return Ruling(
        "supported" if p <= BY_CHANCE else "refuted",
        f"On {len(sick)} broken networks the fraction fixed is "
        + ", ".join(f"{label} {_said(shares[label])}" for label in best)
        + f"; batch norm with initialization {_said(shares['batch norm and initialization'])}; 95 % intervals "
        f"in brackets, treating these networks as a random sample. {100 * p:.0f} % of random orders "
        "agree with this at least as well as the common one. Best remedy by condition: "
        + "; ".join(f"{condition.replace('_', ' ')}: {names}" for condition, names in winners.items())
        + ".",
        tuple(figures),
    )


def _said(share: Figure) -> str:
    bounds = share.interval or ()
    return f"{share.value:.2f} [{', '.join(f'{bound:.2f}' for bound in bounds)}]"


def _fixed(seeds: Seeds, name: str) -> bool:
    """Whether most runs of the arm learned without a harmful finding; a remedy that does not apply fixed nothing."""
    runs = [seed[name] for seed in seeds if name in seed]
    return 2 * sum(run.learned and not run.harmful for run in runs) > len(runs)


def _fixed_of(seeds: Seeds, names: Collection[str], label: str) -> Figure:
    """The fraction of networks that a remedy fixed, each over its seeds, with its 95 % interval (Wilson)."""
    fixed = sum(_fixed(seeds, f"{name} + {label}") for name in names)
    share = fixed / len(names) if names else 0.0
    interval = wilson(fixed, len(names))
    return Figure(label, share, "fraction fixed", n=len(names), of="networks", interval=interval, confidence=0.95)


def _winners(row: Mapping[str, Figure]) -> str:
    best = max(share.value for share in row.values())
    return ", ".join(label for label, share in row.items() if share.value == best) if best > 0 else "nothing alone"


def _chance(measured: Sequence[float]) -> float:
    """Fraction of all orders of the remedies that agree with the measurement at least as well as the common one.

    Agreement is Kendall's: pairs in the right order minus pairs in the wrong order. Exact, over all 720 orders.
    Source: Kendall 1938, Biometrika 30:81.
    """

    def agreement(values: Sequence[float]) -> int:
        return sum((one > other) - (one < other) for one, other in combinations(values, 2))

    bar = agreement(measured)
    orders = list(permutations(measured))
    return sum(agreement(order) >= bar for order in orders) / len(orders)


CLAIM = Claim(
    id="order_of_relevance",
    order=12,
    statement="Remedies in order of relevance: activation, batch norm, learning rate, skips, initialization, clipping.",
    source="Common advice; stored in the catalogue as the rank of each remedy",
    design="Broken networks of every condition (dense, convolutional, recurrent), each with every remedy.",
    rule="Supported if at most 5 % of random orders agree with the fractions of networks fixed at least as well "
    "as the common order (Kendall's agreement, exact), otherwise refuted.",
    arms=_arms,
    decide=_decide,
    seeds=1,
)
