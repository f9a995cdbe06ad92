from ..comparison import RunResult
from .claim import Arms, Claim, Ruling, Seeds
from .measures import by_arm, of_parts, said
from .networks import mlp, network

RATES = (1.0, 0.1, 0.01, 0.001)
A_DIFFERENCE = 0.5
"""Orders of magnitude; one draw of a deep, narrow network scatters by about 0.1 to 0.25."""


def _arms(*, quick: bool) -> Arms:
    steps = 60 if quick else 200
    return {f"rate {rate:g}": network(mlp(12, "sigmoid"), learning_rate=rate, steps=steps) for rate in RATES}


def _decide(seeds: Seeds) -> Ruling:
    slopes = by_arm(seeds, _early, "orders of magnitude")
    highest, *_, lowest = slopes
    return Ruling(
        of_parts([[_early(seed[lowest]) <= _early(seed[highest]) - A_DIFFERENCE for seed in seeds]]),
        "Gradient decay early in training (orders of magnitude) at learning rate "
        f"{', '.join(f'{rate:g}' for rate in RATES)}: "
        f"{', '.join(said(slope) for slope in slopes.values())}.",
        tuple(slopes.values()),
    )


def _early(run: RunResult) -> float:
    return run.metric("depth_slope_early") or 0.0


CLAIM = Claim(
    id="lower_rate_reduces_vanishing",
    order=8,
    statement="A lower learning rate reduces vanishing gradients.",
    source="Common advice",
    design="A sigmoid network of depth 12 at four learning rates from 1 to 0.001.",
    rule="Supported if early decay at the lowest rate is at least 0.5 orders of magnitude below that at the highest.",
    arms=_arms,
    decide=_decide,
)
