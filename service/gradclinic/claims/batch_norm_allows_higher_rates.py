from .claim import Arms, Claim, Results, Ruling
from .measures import figures, of_parts, usable
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


def _decide(results: Results) -> Ruling:
    largest = {
        f"{activation}{', batch norm' if norm else ''}": max(
            (rate for rate in RATES if usable(results[_name(activation, rate, norm=norm)])), default=0.0
        )
        for activation in ACTIVATIONS
        for norm in (False, True)
    }
    higher = [largest[f"{activation}, batch norm"] > largest[activation] for activation in ACTIVATIONS]
    words = [f"{name} {f'{rate:g}' if rate else 'none'}" for name, rate in largest.items()]
    return Ruling(
        of_parts(higher),
        f"Largest learning rate that learns, among {', '.join(f'{rate:g}' for rate in RATES)}: {', '.join(words)}.",
        figures(largest, "learning rate"),
    )


CLAIM = Claim(
    id="batch_norm_allows_higher_rates",
    order=6,
    statement="Batch norm allows higher learning rates.",
    source="Ioffe and Szegedy 2015, arXiv:1502.03167; Bjorck et al. 2018, arXiv:1806.02375",
    design="Sigmoid, ReLU and tanh networks of depth 8 over four learning rates, without and with batch norm.",
    rule="Supported if for each activation the largest rate that still learns is higher with batch norm, "
    "refuted if for none.",
    arms=_arms,
    decide=_decide,
)
