from collections.abc import Sequence
from statistics import median

from ..comparison import RunResult
from .claim import Arms, Claim, Results, Ruling
from .measures import figures, of_parts, said
from .networks import mlp, network

SLOWER = -1.0
"""A tenth of the last hidden layer's relative update, or less."""


def _arms(*, quick: bool) -> Arms:
    steps = 60 if quick else 200
    return {
        "sigmoid, depth 12": network(mlp(12, "sigmoid"), steps=steps),
        "tanh, depth 12": network(mlp(12, "tanh"), steps=steps),
        "tanh, depth 24": network(mlp(24, "tanh"), steps=steps),
        "tanh, depth 24, default start": network(mlp(24, "tanh", "torch_default"), steps=steps),
    }


def _decide(results: Results) -> Ruling:
    decades = {name: _decades(runs) for name, runs in results.items()}
    slower = {name: value <= SLOWER for name, value in decades.items()}
    shown = ", ".join(f"{name}: 1e{value:.1f}" for name, value in decades.items())
    return Ruling(
        of_parts(list(slower.values())),
        f"Relative update of the first layer over that of the last hidden one, {shown}"
        f" ({sum(slower.values())} of {len(slower)} at a tenth or less; {said(10**SLOWER)} is the bar).",
        figures(decades, "decades"),
    )


def _decades(runs: Sequence[RunResult]) -> float:
    """Median over the seeds; a run that moved no weight at all tells nothing, and NaN is all that is left of none."""
    values = [value for run in runs if (value := run.metric("update_decades")) is not None]
    return median(values) if values else float("nan")


CLAIM = Claim(
    id="early_layers_learn_slower",
    order=2,
    statement="With sigmoid or tanh, the early layers learn more slowly than the late ones.",
    source="Glorot and Bengio 2010, AISTATS",
    design="A sigmoid network of depth 12 and tanh networks of depth 12 and 24, Xavier's start and PyTorch's default.",
    rule="Supported if in all of them the first layer's ratio is at most a tenth of the last's, refuted if in none.",
    arms=_arms,
    decide=_decide,
)
