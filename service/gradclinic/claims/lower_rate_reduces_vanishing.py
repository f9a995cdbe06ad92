from .claim import Arms, Claim, Results, Ruling
from .measures import figures, said
from .networks import mlp, network

RATES = (1.0, 0.1, 0.01, 0.001)
A_DIFFERENCE = 0.5
"""Decades; one draw of a deep, narrow network scatters by about a tenth to a quarter of one."""


def _arms(*, quick: bool) -> Arms:
    steps = 60 if quick else 200
    return {f"rate {rate:g}": network(mlp(12, "sigmoid"), learning_rate=rate, steps=steps) for rate in RATES}


def _decide(results: Results) -> Ruling:
    slopes = {}
    for name, runs in results.items():
        values = [run.metric("depth_slope_early") or 0.0 for run in runs]
        slopes[name] = sum(values) / len(values)
    highest, *_, lowest = slopes.values()
    reduces = lowest <= highest - A_DIFFERENCE
    return Ruling(
        "supported" if reduces else "refuted",
        f"Decades lost early in training at learning rate {', '.join(f'{rate:g}' for rate in RATES)}: "
        f"{', '.join(said(slope) for slope in slopes.values())}.",
        figures(slopes, "decades"),
    )


CLAIM = Claim(
    id="lower_rate_reduces_vanishing",
    order=8,
    statement="A lower learning rate reduces vanishing gradients.",
    source="Common advice",
    design="A sigmoid network of depth 12 at four learning rates from 1 to 0.001.",
    rule="Supported if the lowest rate loses at least half a decade less than the highest, early in training.",
    arms=_arms,
    decide=_decide,
)
