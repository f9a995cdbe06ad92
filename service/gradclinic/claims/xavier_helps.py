from collections.abc import Mapping

from ..comparison import RunResult
from ..kernel.vocabulary import ClaimVerdict
from .claim import Arms, Claim, Ruling, Seeds
from .measures import any_of, by_arm, loss_left, said
from .networks import mlp, network

ACTIVATIONS = ("tanh", "relu", "sigmoid")


def _arms(*, quick: bool) -> Arms:
    steps = 120 if quick else 300
    return {
        f"{activation}, {scheme}": network(mlp(15, activation, scheme), steps=steps)
        for activation in ACTIVATIONS
        for scheme in ("torch_default", "xavier_normal")
    }


def _decide(seeds: Seeds) -> Ruling:
    left = by_arm(seeds, loss_left, "ratio")
    helped = any_of([[_helped(seed, name) for seed in seeds] for name in ACTIVATIONS])
    unlearned = any_of([[not seed[f"{name}, xavier_normal"].learned for seed in seeds] for name in ACTIVATIONS])
    words = [
        f"{name} {said(left[f'{name}, torch_default'])} -> {said(left[f'{name}, xavier_normal'])}"
        for name in ACTIVATIONS
    ]
    return Ruling(
        _VERDICTS.get((helped, unlearned), "refuted" if helped is False else "inconclusive"),
        "Training loss relative to always predicting the average at depth 15, PyTorch's default -> Xavier: "
        f"{', '.join(words)}.",
        tuple(left.values()),
    )


_VERDICTS: Mapping[tuple[bool | None, bool | None], ClaimVerdict] = {(True, True): "supported", (True, False): "mixed"}


def _helped(seed: Mapping[str, RunResult], activation: str) -> bool:
    return loss_left(seed[f"{activation}, xavier_normal"]) < 0.9 * loss_left(seed[f"{activation}, torch_default"])


CLAIM = Claim(
    id="xavier_helps",
    order=10,
    statement="Xavier initialization helps, but guarantees nothing.",
    source="Glorot and Bengio 2010, AISTATS",
    design="Tanh, ReLU and sigmoid networks of depth 15 with PyTorch's default initialization and with Xavier's.",
    rule="Supported if the loss is a tenth lower for some activation but some activation still does not learn, "
    "mixed if it helps and all learn, refuted if it helps none.",
    arms=_arms,
    decide=_decide,
)
