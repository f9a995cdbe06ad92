from collections.abc import Mapping
from math import isfinite

from ..comparison import RunResult
from .claim import Arms, Claim, Ruling, Seeds
from .measures import figure, loss_left, of_parts, said, share
from .networks import mlp, network

CLIP = {"kind": "norm", "max_norm": 1.0}


def _arms(*, quick: bool) -> Arms:
    steps = 80 if quick else 300
    recurrent = {
        "kind": "rnn",
        "cell": "rnn",
        "width": 48,
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": 3.0},
    }
    networks = {
        "relu mlp": {"model": mlp(14, "relu", "lecun_normal", gain=2.4), "learning_rate": 0.02},
        "gelu mlp": {"model": mlp(14, "gelu", "lecun_normal", gain=2.8), "data": "blobs", "learning_rate": 0.01},
        "chaotic rnn": {"model": recurrent, "data": {"kind": "adding_problem", "length": 30}, "learning_rate": 0.05},
    }
    return {
        f"{name}{', clipped' if clipping else ''}": network(steps=steps, clipping=clipping, **parts)  # type: ignore[arg-type]
        for name, parts in networks.items()
        for clipping in (None, CLIP)
    }


def _decide(seeds: Seeds) -> Ruling:
    bare = [share(isfinite(loss_left(run)) for run in _of(seed, clipped=False)) for seed in seeds]
    finite = [share(isfinite(loss_left(run)) for run in _of(seed, clipped=True)) for seed in seeds]
    learned = [share(run.learned for run in _of(seed, clipped=True)) for seed in seeds]
    figures = (
        figure("finite without clipping", bare, "fraction"),
        figure("finite with clipping", finite, "fraction"),
        figure("learned with clipping", learned, "fraction"),
    )
    without, clipped, learns = (said(each) for each in figures)
    return Ruling(
        of_parts([[more > less for more, less in zip(finite, bare, strict=True)], [each >= 0.5 for each in learned]]),
        f"Of three exploding networks, a fraction of {without} stays finite without clipping and {clipped} with it; "
        f"{learns} learn with it.",
        figures,
    )


def _of(seed: Mapping[str, RunResult], *, clipped: bool) -> list[RunResult]:
    return [run for name, run in seed.items() if name.endswith("clipped") is clipped]


CLAIM = Claim(
    id="clipping_cures_exploding",
    order=11,
    statement="Clipping the gradient cures exploding gradients.",
    source="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063",
    design="Three networks that explode (ReLU, GELU, a chaotic recurrent one), without and with clipping by norm.",
    rule="Two parts: more of the clipped runs stay finite; at least half of them learn.",
    arms=_arms,
    decide=_decide,
)
