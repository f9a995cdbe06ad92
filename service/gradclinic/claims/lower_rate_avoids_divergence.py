from ..measurements.losses import LEARNED
from .claim import Arms, Claim, Ruling, Seeds
from .measures import by_arm, decided, loss_left, of_parts, said
from .networks import mlp, network

RATES = (8.0, 0.1, 0.001)


def _arms(*, quick: bool) -> Arms:
    steps = 100 if quick else 300
    return {
        f"rate {rate:g}": network(mlp(4, "relu", "kaiming_normal"), learning_rate=rate, steps=steps) for rate in RATES
    }


def _decide(seeds: Seeds) -> Ruling:
    left = by_arm(seeds, loss_left, "ratio")
    losses = [[loss_left(run) for run in seed.values()] for seed in seeds]
    avoids = [high > 1.0 and middle <= LEARNED for high, middle, _ in losses]
    slower = [low > 2 * middle for _, middle, low in losses]
    return Ruling(
        of_parts([avoids, slower]),
        "Training loss relative to always predicting the average, at learning rate "
        f"{', '.join(f'{rate:g}' for rate in RATES)}: "
        f"{', '.join(said(each) for each in left.values())}: a lower rate {_AVOIDS[decided(avoids)]} "
        f"divergence and {_LEARNS[decided(slower)]} more slowly.",
        tuple(left.values()),
    )


_AVOIDS = {True: "avoids", False: "does not avoid", None: "in some seeds avoids"}
_LEARNS = {True: "learns", False: "does not learn", None: "in some seeds learns"}


CLAIM = Claim(
    id="lower_rate_avoids_divergence",
    order=7,
    statement="A lower learning rate avoids divergence, and learns more slowly.",
    source="Bengio 2012, arXiv:1206.5533",
    design="A ReLU network of depth 4 at learning rates 8, 0.1 and 0.001.",
    rule="Two parts: the highest rate fails where the middle one learns; the lowest rate ends at twice its loss.",
    arms=_arms,
    decide=_decide,
)
