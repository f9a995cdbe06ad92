from itertools import pairwise

from .claim import Arms, Claim, Results, Ruling
from .measures import TAU, depth_slope, figures, said
from .networks import mlp, network

DEPTHS = (3, 6, 12, 24)


def _arms(*, quick: bool) -> Arms:
    steps = 20 if quick else 60
    sigmoid = {f"sigmoid, depth {depth}": network(mlp(depth, "sigmoid"), steps=steps) for depth in DEPTHS}
    return {**sigmoid, "relu, depth 10": network(mlp(10, "relu", "kaiming_normal"), steps=steps)}


def _decide(results: Results) -> Ruling:
    slopes = {name: depth_slope(runs) for name, runs in results.items()}
    sigmoid = [slopes[f"sigmoid, depth {depth}"] for depth in DEPTHS]
    grows = all(more > less for less, more in pairwise(sigmoid)) and sigmoid[-1] >= TAU
    healthy = abs(slopes["relu, depth 10"]) < TAU
    return Ruling(
        "supported" if grows else "refuted",
        f"A sigmoid network loses {', '.join(said(slope) for slope in sigmoid)} decades of gradient at depth "
        f"{', '.join(map(str, DEPTHS))}"
        + (
            f"; but not every network: ReLU with Kaiming's start loses {said(slopes['relu, depth 10'])} at depth 10."
            if healthy
            else "; ReLU with Kaiming's start loses as well."
        ),
        figures(slopes, "decades"),
    )


CLAIM = Claim(
    id="deeper_is_worse",
    order=1,
    statement="The deeper the network, the worse its gradients vanish.",
    source="Hochreiter 1991; Bengio, Simard and Frasconi 1994, IEEE Trans. Neural Networks 5",
    design="Sigmoid networks with Xavier's start at depth 3, 6, 12 and 24, and a ReLU network with Kaiming's at 10.",
    rule="Supported if the decades lost grow with each depth and reach 1.5.",
    arms=_arms,
    decide=_decide,
)
