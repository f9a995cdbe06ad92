from .claim import Arms, Claim, Results, Ruling, Verdict
from .measures import accuracy, figures
from .networks import mlp, network

SATURATING = ("sigmoid", "tanh")
RELU_LIKE = ("relu", "rrelu", "elu", "selu")


def _arms(*, quick: bool) -> Arms:
    steps = 150 if quick else 300
    return {name: network(mlp(12, name), steps=steps) for name in (*SATURATING, *RELU_LIKE)}


def _decide(results: Results) -> Ruling:
    scores = {name: accuracy(runs) for name, runs in results.items()}
    wins = sum(scores[one] > scores[other] for one in RELU_LIKE for other in SATURATING)
    pairs = len(RELU_LIKE) * len(SATURATING)
    verdict: Verdict = "supported" if wins == pairs else "refuted" if wins == 0 else "mixed"
    return Ruling(
        verdict,
        f"From Xavier's start at depth 12, accuracy is {', '.join(f'{name} {scores[name]:.2f}' for name in scores)}: "
        f"the ReLU-like ones win {wins} of {pairs} pairs.",
        figures(scores, "fraction"),
    )


CLAIM = Claim(
    id="relu_like_respond_better",
    order=4,
    statement="ReLU and its relatives respond better than sigmoid and tanh.",
    source="Glorot, Bordes and Bengio 2011, AISTATS",
    design="One network of depth 12 with Xavier's start, with each of six activations.",
    rule="Supported if each ReLU-like activation ends more accurate than each saturating one, refuted if none does.",
    arms=_arms,
    decide=_decide,
)
