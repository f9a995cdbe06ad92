from .claim import Arms, Claim, Ruling, Seeds
from .measures import TAU, by_arm, decided, depth_slope, of_parts, said
from .networks import mlp, network

SCALE = 0.3
ACTIVATIONS = ("sigmoid", "relu")


def _arms(*, quick: bool) -> Arms:
    steps = 20 if quick else 60
    return {
        f"{activation}{f', skips of {scale:g}' if scale else ''}": network(
            mlp(24, activation, skip={"scale": scale} if scale else None), steps=steps
        )
        for activation in ACTIVATIONS
        for scale in (None, SCALE, 1.0)
    }


def _decide(seeds: Seeds) -> Ruling:
    slopes = by_arm(seeds, depth_slope, "orders of magnitude")
    lost = [{name: abs(depth_slope(run)) for name, run in seed.items()} for seed in seeds]
    through = [[each[f"{name}, skips of {SCALE:g}"] < TAU <= each[name] for each in lost] for name in ACTIVATIONS]
    unscaled = [decided([each[f"{name}, skips of 1"] < TAU for each in lost]) for name in ACTIVATIONS]
    return Ruling(
        of_parts(through),
        "Gradient decay over 24 layers (orders of magnitude): "
        + ", ".join(f"{name} {said(slope)}" for name, slope in slopes.items())
        + (". Skips with unscaled branches do not keep the gradient constant." if False in unscaled else "."),
        tuple(slopes.values()),
    )


CLAIM = Claim(
    id="skips_let_gradients_through",
    order=9,
    statement="Skip connections let gradients through.",
    source="He et al. 2016, arXiv:1512.03385; scaling: Zhang et al. 2019, arXiv:1901.09321",
    design="Sigmoid and ReLU networks of depth 24: without skips, with skip branches scaled by 0.3, and unscaled.",
    rule="An activation counts if decay is at least 1.5 orders of magnitude without skips and less with scaled skips; "
    "supported if both do, refuted if neither.",
    arms=_arms,
    decide=_decide,
)
