from ..comparison import RunResult
from .claim import Arms, Claim, Ruling, Seeds
from .measures import by_arm, decided, of_parts, said
from .networks import mlp, network

SATURATING = ("sigmoid", "tanh")
RELU_LIKE = ("relu", "rrelu", "elu", "selu")


def _arms(*, quick: bool) -> Arms:
    steps = 150 if quick else 300
    return {name: network(mlp(12, name), steps=steps) for name in (*SATURATING, *RELU_LIKE)}


def _decide(seeds: Seeds) -> Ruling:
    scores = by_arm(seeds, _accuracy, "fraction")
    better = [
        [_accuracy(seed[one]) > _accuracy(seed[other]) for seed in seeds] for one in RELU_LIKE for other in SATURATING
    ]
    found = [decided(pair) for pair in better]
    return Ruling(
        of_parts(better),
        "With Xavier initialization at depth 12, accuracy is "
        f"{', '.join(f'{name} {said(scores[name])}' for name in scores)}: "
        f"in {len(found)} pairs, the ReLU-like one wins {found.count(True)} and loses or draws {found.count(False)}"
        f"{f'; {found.count(None)} are undecided' if None in found else ''}.",
        tuple(scores.values()),
    )


def _accuracy(run: RunResult) -> float:
    return run.metric("final_validation_accuracy") or 0.0


CLAIM = Claim(
    id="relu_like_respond_better",
    order=4,
    statement="ReLU and its relatives respond better than sigmoid and tanh.",
    source="Glorot, Bordes and Bengio 2011, AISTATS",
    design="One network of depth 12 with Xavier initialization and each of six activations.",
    rule="Supported if every ReLU-like activation is more accurate than every saturating one, refuted if none is.",
    arms=_arms,
    decide=_decide,
)
