from .claim import Arms, Claim, Results, Ruling
from .measures import figures, loss_left, of_parts, said
from .networks import mlp, network

RATES = (8.0, 0.1, 0.001)


def _arms(*, quick: bool) -> Arms:
    steps = 100 if quick else 300
    return {
        f"rate {rate:g}": network(mlp(4, "relu", "kaiming_normal"), learning_rate=rate, steps=steps) for rate in RATES
    }


def _decide(results: Results) -> Ruling:
    left = {name: loss_left(runs) for name, runs in results.items()}
    high, middle, low = left.values()
    avoids, slower = high > 1.0 and middle <= 0.5, low > 2 * middle
    return Ruling(
        of_parts([avoids, slower]),
        f"Share of the loss left at learning rate {', '.join(f'{rate:g}' for rate in RATES)}: "
        f"{said(high)}, {said(middle)}, {said(low)}: a lower rate {'avoids' if avoids else 'does not avoid'} divergence"
        f" and {'learns' if slower else 'does not learn'} more slowly.",
        figures(left, "ratio"),
    )


CLAIM = Claim(
    id="lower_rate_avoids_divergence",
    order=7,
    statement="A lower learning rate avoids divergence, and learns more slowly.",
    source="Bengio 2012, arXiv:1206.5533",
    design="A ReLU network of depth 4 at learning rates 8, 0.1 and 0.001.",
    rule="Two parts: the highest rate fails where the middle one learns; the lowest leaves twice what that one leaves.",
    arms=_arms,
    decide=_decide,
)
