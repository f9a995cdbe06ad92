from collections.abc import Mapping

from ..comparison import RunResult
from .claim import Arms, Claim, Ruling, Seeds
from .measures import figure, of_parts, said
from .networks import mlp, network

RATES = (0.01, 0.1, 1.0, 10.0)
ACTIVATIONS = ("sigmoid", "relu", "tanh")


def _arms(*, quick: bool) -> Arms:
    steps = 150 if quick else 300
    return {
        _name(activation, rate, norm=norm): network(
            mlp(8, activation, "kaiming_normal" if activation == "relu" else "xavier_normal")
            | {"normalization": "batch_norm" if norm else None},
            learning_rate=rate,
            steps=steps,
        )
        for activation in ACTIVATIONS
        for rate in RATES
        for norm in (False, True)
    }


def _name(activation: str, rate: float, *, norm: bool) -> str:
    return f"{activation}, rate {rate:g}{', batch norm' if norm else ''}"


def _decide(seeds: Seeds) -> Ruling:
    largest = {
        f"{activation}{', batch norm' if norm else ''}": [_largest(seed, activation, norm=norm) for seed in seeds]
        for activation in ACTIVATIONS
        for norm in (False, True)
    }
    higher = [
        [normed > bare for normed, bare in zip(largest[f"{name}, batch norm"], largest[name], strict=True)]
        for name in ACTIVATIONS
    ]
    found = [figure(name, rates, "learning rate") for name, rates in largest.items()]
    return Ruling(
        of_parts(higher),
        f"Largest learning rate that still learns, among {', '.join(f'{rate:g}' for rate in RATES)} (0: none): "
        f"{', '.join(f'{each.name} {said(each)}' for each in found)}.",
        tuple(found),
    )


def _largest(seed: Mapping[str, RunResult], activation: str, *, norm: bool) -> float:
    return max((rate for rate in RATES if seed[_name(activation, rate, norm=norm)].learned), default=0.0)


CLAIM = Claim(
    id="batch_norm_allows_higher_rates",
    order=6,
    statement="Batch norm allows higher learning rates.",
    source="Ioffe and Szegedy 2015, arXiv:1502.03167; Bjorck et al. 2018, arXiv:1806.02375",
    design="Sigmoid, ReLU and tanh networks of depth 8 at four learning rates, without and with batch norm.",
    rule="Supported if for each activation the largest rate that still learns is higher with batch norm, "
    "refuted if for none.",
    arms=_arms,
    decide=_decide,
)
