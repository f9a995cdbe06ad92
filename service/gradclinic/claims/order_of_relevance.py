"""Whether the six common remedies are worth trying in the order in which they are usually listed."""

from collections.abc import Mapping, Sequence
from itertools import combinations, permutations

from ..errors import InvalidRequest
from ..experiment import Experiment
from ..lowering import lower
from ..remedies import Remedy
from ..remedies.add_batch_norm import AddBatchNorm
from ..remedies.add_skip_connections import AddSkipConnections
from ..remedies.clip_gradients import ClipGradients
from ..remedies.lower_learning_rate import LowerLearningRate
from ..remedies.set_initialization import SetInitialization
from ..remedies.swap_activation import SwapActivation
from .claim import Arms, Claim, Figure, Results, Ruling
from .population import broken

ORDER: Mapping[str, Sequence[Remedy]] = {
    "swap activation": [SwapActivation()],
    "batch norm": [AddBatchNorm()],
    "lower learning rate": [LowerLearningRate()],
    "skip connections": [AddSkipConnections()],
    "initialization": [SetInitialization()],
    "clip gradients": [ClipGradients()],
}
"""The common order, the most relevant first."""

BY_CHANCE = 0.05
"""The share of random orders that agree with the measurement at least as well, below which the order counts."""


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


def _decide(results: Results) -> Ruling:
    population = broken(steps=1)
    sick = {name: condition for name, (condition, _) in population.items() if not _fixed(results, name)}
    shares = {label: _share(results, sick, label) for label in _tried()}
    measured = [shares[label] for label in ORDER]
    p = _chance(measured)
    best = sorted(ORDER, key=lambda label: -shares[label])
    by_condition = {
        condition: {
            label: _share(results, [name for name in sick if sick[name] == condition], label) for label in ORDER
        }
        for condition in dict.fromkeys(sick.values())
    }
    winners = {condition: _winners(row) for condition, row in by_condition.items()}
    figures = [Figure(label, share, "fraction fixed") for label, share in shares.items()]
    figures += [
        Figure(f"{condition}: {label}", share, "fraction fixed")
        for condition, row in by_condition.items()
        for label, share in row.items()
    ]
    figures.append(Figure("random orders that agree as well", p, "fraction"))
    return Ruling(
        "supported" if p <= BY_CHANCE else "refuted",
        f"On {len(sick)} broken networks the share fixed is "
        + ", ".join(f"{label} {shares[label]:.2f}" for label in best)
        + f"; batch norm with initialization {shares['batch norm and initialization']:.2f}. {p:.0%} of random orders "
        "agree with this at least as well as the common one. What fixed most, by condition: "
        + "; ".join(f"{condition.replace('_', ' ')}: {names}" for condition, names in winners.items())
        + ".",
        tuple(figures),
    )


def _fixed(results: Results, name: str) -> bool:
    """Whether the arm's runs learned without a harmful finding, most of them; a remedy that refused fixed nothing."""
    runs = results.get(name, ())
    return 2 * sum(run.learned and not run.harmful for run in runs) > len(runs)


def _share(results: Results, names: Sequence[str] | Mapping[str, str], label: str) -> float:
    return sum(_fixed(results, f"{name} + {label}") for name in names) / len(names) if names else 0.0


def _winners(row: Mapping[str, float]) -> str:
    best = max(row.values())
    return ", ".join(label for label, share in row.items() if share == best) if best > 0 else "nothing alone"


def _chance(measured: Sequence[float]) -> float:
    """Share of all orders of the remedies that agree with the measured shares at least as well as the common one.

    Agreement is Kendall's: pairs in the right order minus pairs in the wrong one. Exact, over all 720 orders.
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
    statement="The remedies are relevant in this order: activation, batch norm, learning rate, skips, start, clipping.",
    source="Common advice; the catalogue keeps it as each remedy's rank",
    design="Broken networks of every condition (dense, convolutional, recurrent), each with each remedy as it comes.",
    rule="Supported if at most 5 % of random orders agree with the shares of networks fixed at least as well "
    "(Kendall's agreement, exact), else refuted.",
    arms=_arms,
    decide=_decide,
    seeds=1,
)
