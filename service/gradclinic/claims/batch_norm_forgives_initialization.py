from .claim import Arms, Claim, Results, Ruling
from .measures import figures, loss_left, of_parts, said, usable
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


def _decide(results: Results) -> Ruling:
    left = {name: loss_left(runs) for name, runs in results.items()}
    parts, words = [], []
    for activation in ACTIVATIONS:
        bare = [left[_name(activation, gain, norm=False)] for gain in GAINS]
        normed = [left[_name(activation, gain, norm=True)] for gain in GAINS]
        learned = sum(usable(results[_name(activation, gain, norm=True)]) for gain in GAINS)
        learned_bare = sum(usable(results[_name(activation, gain, norm=False)]) for gain in GAINS)
        parts.append(learned > learned_bare and max(normed) < max(bare) and learned >= len(GAINS) - 1)
        words.append(f"{activation} {_row(bare)} becomes {_row(normed)}")
    return Ruling(
        of_parts(parts),
        f"Share of the loss left at gains {', '.join(f'{gain:g}' for gain in GAINS)}, without and with batch norm: "
        f"{'; '.join(words)}.",
        figures(left, "ratio"),
    )


def _row(values: list[float]) -> str:
    return "/".join(said(value) for value in values)


CLAIM = Claim(
    id="batch_norm_forgives_initialization",
    order=5,
    statement="Batch norm makes training robust to the initialization.",
    source="Ioffe and Szegedy 2015, arXiv:1502.03167",
    design="Sigmoid and ReLU networks of depth 12 at gains 0.3, 1 and 3, without and with batch norm.",
    rule="An activation counts if with batch norm more gains learn, all but one at least, and the worst loss is lower; "
    "supported if both do, refuted if neither.",
    arms=_arms,
    decide=_decide,
)
