from collections.abc import Sequence
from itertools import pairwise

from .claim import Arms, Claim, Ruling, Seeds
from .measures import TAU, by_arm, decided, depth_slope, of_parts, said
from .networks import mlp, network

DEPTHS = (3, 6, 12, 24)


def _arms(*, quick: bool) -> Arms:
    steps = 20 if quick else 60
    sigmoid = {f"sigmoid, depth {depth}": network(mlp(depth, "sigmoid"), steps=steps) for depth in DEPTHS}
    return {**sigmoid, "relu, depth 10": network(mlp(10, "relu", "kaiming_normal"), steps=steps)}


def _decide(seeds: Seeds) -> Ruling:
    slopes = by_arm(seeds, depth_slope, "orders of magnitude")
    grows = [[_grows([depth_slope(seed[f"sigmoid, depth {depth}"]) for depth in DEPTHS]) for seed in seeds]]
    healthy = decided([abs(depth_slope(seed["relu, depth 10"])) < TAU for seed in seeds])
    return Ruling(
        of_parts(grows),
        "Gradient decay of a sigmoid network (orders of magnitude) at depth "
        f"{', '.join(map(str, DEPTHS))}: "
        f"{', '.join(said(slopes[f'sigmoid, depth {depth}']) for depth in DEPTHS)}"
        f"{'; not every network is affected: ' if healthy else '; '}ReLU with Kaiming initialization has "
        f"{said(slopes['relu, depth 10'])} at depth 10.",
        tuple(slopes.values()),
    )


def _grows(slopes: Sequence[float]) -> bool:
    return slopes[-1] >= TAU and all(more > less for less, more in pairwise(slopes))


CLAIM = Claim(
    id="deeper_is_worse",
    order=1,
    statement="The deeper the network, the worse its gradients vanish.",
    source="Hochreiter 1991; Bengio, Simard and Frasconi 1994, IEEE Trans. Neural Networks 5",
    design="Sigmoid networks with Xavier initialization at depth 3, 6, 12 and 24; a ReLU network with Kaiming's at 10.",
    rule="Supported if gradient decay grows with each depth and reaches 1.5 orders of magnitude.",
    arms=_arms,
    decide=_decide,
)
