from .claim import Arms, Claim, Results, Ruling
from .measures import TAU, depth_slope, figures, said
from .networks import mlp, network

BIASES = (0.0, 1.0, 3.0, 6.0)


def _arms(*, quick: bool) -> Arms:
    steps = 20 if quick else 60
    return {f"tanh, bias {bias:g}": network(mlp(12, "tanh", bias=bias), steps=steps) for bias in BIASES}


def _decide(results: Results) -> Ruling:
    slopes = {name: depth_slope(runs) for name, runs in results.items()}
    first, *_, last = slopes.values()
    explodes = last <= -TAU and last < first
    return Ruling(
        "supported" if explodes else "refuted",
        f"Pushed into saturation by its biases, a tanh network of depth 12 goes from {said(first)} to {said(last)} "
        f"decades lost: its gradients {'explode' if explodes else 'vanish, they do not explode'}.",
        figures(slopes, "decades"),
    )


CLAIM = Claim(
    id="saturation_explodes",
    order=3,
    statement="Saturated units (inputs far beyond 5) make gradients explode.",
    source="Common advice; against it: Glorot and Bengio 2010, AISTATS, section 3",
    design="A tanh network of depth 12 whose biases push it into saturation, from 0 to 6.",
    rule="Supported if the saturated network gains at least 1.5 decades towards the input.",
    arms=_arms,
    decide=_decide,
)
