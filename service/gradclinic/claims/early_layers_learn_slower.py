from ..comparison import RunResult
from .claim import Arms, Claim, Ruling, Seeds
from .measures import by_arm, decided, of_parts, said
from .networks import mlp, network

SLOWER = -1.0
"""At most a tenth of the last hidden layer's relative update, as log10."""


def _arms(*, quick: bool) -> Arms:
    steps = 60 if quick else 200
    return {
        "sigmoid, depth 12": network(mlp(12, "sigmoid"), steps=steps),
        "tanh, depth 12": network(mlp(12, "tanh"), steps=steps),
        "tanh, depth 24": network(mlp(24, "tanh"), steps=steps),
        "tanh, depth 24, default start": network(mlp(24, "tanh", "torch_default"), steps=steps),
    }


def _decide(seeds: Seeds) -> Ruling:
    orders = by_arm(seeds, _orders, "orders of magnitude")
    slower = [[_slower(_orders(seed[name])) for seed in seeds] for name in orders]
    return Ruling(
        of_parts(slower),
        "Orders of magnitude from the last hidden layer's relative update to the first one's: "
        f"{', '.join(f'{name}: {said(each)}' for name, each in orders.items())}"
        f" ({sum(decided(part) is True for part in slower)} of {len(slower)} at {SLOWER:g}, a tenth, or less).",
        tuple(orders.values()),
    )


def _orders(run: RunResult) -> float | None:
    """None if the run changed no weight, which is not informative."""
    return run.metric("update_decades")


def _slower(orders: float | None) -> bool | None:
    return None if orders is None else orders <= SLOWER


CLAIM = Claim(
    id="early_layers_learn_slower",
    order=2,
    statement="With sigmoid or tanh, the early layers learn more slowly than the late ones.",
    source="Glorot and Bengio 2010, AISTATS",
    design="A sigmoid network of depth 12 and tanh networks of depth 12 and 24, Xavier and default initialization.",
    rule="Supported if in all the first layer's relative update is at most a tenth of the last's, refuted if in none.",
    arms=_arms,
    decide=_decide,
)
