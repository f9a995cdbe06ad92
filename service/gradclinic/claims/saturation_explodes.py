from .claim import Arms, Claim, Ruling, Seeds
from .measures import TAU, by_arm, decided, depth_slope, of_parts, said
from .networks import mlp, network

BIASES = (0.0, 1.0, 3.0, 6.0)


def _arms(*, quick: bool) -> Arms:
    steps = 20 if quick else 60
    return {f"tanh, bias {bias:g}": network(mlp(12, "tanh", bias=bias), steps=steps) for bias in BIASES}


def _decide(seeds: Seeds) -> Ruling:
    slopes = by_arm(seeds, depth_slope, "orders of magnitude")
    first, *_, last = slopes
    explodes = [
        depth_slope(seed[last]) <= -TAU and depth_slope(seed[last]) < depth_slope(seed[first]) for seed in seeds
    ]
    ends = {True: "explode", False: "do not explode", None: "explode in some seeds only"}
    return Ruling(
        of_parts([explodes]),
        f"As biases saturate a tanh network of depth 12, its gradient decay goes from {said(slopes[first])} to "
        f"{said(slopes[last])} orders of magnitude: gradients {ends[decided(explodes)]}.",
        tuple(slopes.values()),
    )


CLAIM = Claim(
    id="saturation_explodes",
    order=3,
    statement="Saturated units (inputs far beyond 5) make gradients explode.",
    source="Common advice; contradicted by Glorot and Bengio 2010, AISTATS, section 3",
    design="A tanh network of depth 12 whose biases push it into saturation, from 0 to 6.",
    rule="Supported if the saturated network's gradient grows by at least 1.5 orders of magnitude towards the input.",
    arms=_arms,
    decide=_decide,
)
