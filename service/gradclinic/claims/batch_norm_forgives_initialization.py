from collections.abc import Mapping

from ..comparison import RunResult
from .claim import Arms, Claim, Figure, Ruling, Seeds
from .measures import by_arm, loss_left, of_parts, said
from .networks import mlp, network

GAINS = (0.3, 1.0, 3.0)
ACTIVATIONS = ("sigmoid", "relu")


def _arms(*, quick: bool) -> Arms:
    steps = 100 if quick else 300
    return {
        _name(activation, gain, norm=norm): network(
            mlp(12, activation, gain=gain, normalization="batch_norm" if norm else None), steps=steps
        )
        for activation in ACTIVATIONS
        for gain in GAINS
        for norm in (False, True)
    }


def _name(activation: str, gain: float, *, norm: bool) -> str:
    return f"{activation}, gain {gain:g}{', batch norm' if norm else ''}"


def _decide(seeds: Seeds) -> Ruling:
    left = by_arm(seeds, loss_left, "ratio")
    words = [
        f"{activation} {_row(left, activation, norm=False)} becomes {_row(left, activation, norm=True)}"
        for activation in ACTIVATIONS
    ]
    return Ruling(
        of_parts([[_forgiven(seed, activation) for seed in seeds] for activation in ACTIVATIONS]),
        "Training loss relative to always predicting the average, at gains "
        f"{', '.join(f'{gain:g}' for gain in GAINS)}, without and with batch norm: "
        f"{'; '.join(words)}.",
        tuple(left.values()),
    )


def _forgiven(seed: Mapping[str, RunResult], activation: str) -> bool:
    bare = [seed[_name(activation, gain, norm=False)] for gain in GAINS]
    normed = [seed[_name(activation, gain, norm=True)] for gain in GAINS]
    learned = sum(run.learned for run in normed)
    return (
        learned > sum(run.learned for run in bare)
        and learned >= len(GAINS) - 1
        and max(map(loss_left, normed)) < max(map(loss_left, bare))
    )


def _row(left: Mapping[str, Figure], activation: str, *, norm: bool) -> str:
    return " / ".join(said(left[_name(activation, gain, norm=norm)]) for gain in GAINS)


CLAIM = Claim(
    id="batch_norm_forgives_initialization",
    order=5,
    statement="Batch norm makes training robust to the initialization.",
    source="Ioffe and Szegedy 2015, arXiv:1502.03167",
    design="Sigmoid and ReLU networks of depth 12 at gains 0.3, 1 and 3, without and with batch norm.",
    rule="An activation counts if with batch norm more gains learn, at least all but one, and the worst loss is lower; "
    "supported if both do, refuted if neither.",
    arms=_arms,
    decide=_decide,
)
