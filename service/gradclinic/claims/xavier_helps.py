from .claim import Arms, Claim, Results, Ruling, Verdict
from .measures import USABLE, figures, loss_left, said
from .networks import mlp, network

ACTIVATIONS = ("tanh", "relu", "sigmoid")


def _arms(*, quick: bool) -> Arms:
    steps = 120 if quick else 300
    return {
        f"{activation}, {scheme}": network(mlp(15, activation, scheme), steps=steps)
        for activation in ACTIVATIONS
        for scheme in ("torch_default", "xavier_normal")
    }


def _decide(results: Results) -> Ruling:
    left = {name: loss_left(runs) for name, runs in results.items()}
    helped = [left[f"{name}, xavier_normal"] < 0.9 * left[f"{name}, torch_default"] for name in ACTIVATIONS]
    learned = [left[f"{name}, xavier_normal"] <= USABLE for name in ACTIVATIONS]
    verdict: Verdict = "supported" if any(helped) and not all(learned) else "mixed" if any(helped) else "refuted"
    words = [
        f"{name} {said(left[f'{name}, torch_default'])} -> {said(left[f'{name}, xavier_normal'])}"
        for name in ACTIVATIONS
    ]
    return Ruling(
        verdict,
        f"Share of the loss left at depth 15, from PyTorch's default start -> from Xavier's: {', '.join(words)}.",
        figures(left, "ratio"),
    )


CLAIM = Claim(
    id="xavier_helps",
    order=10,
    statement="Xavier's initialization helps, but guarantees nothing.",
    source="Glorot and Bengio 2010, AISTATS",
    design="Tanh, ReLU and sigmoid networks of depth 15 from PyTorch's default start and from Xavier's.",
    rule="Supported if the loss left is a tenth lower for some activation and some other still has not learned, "
    "mixed if it helps everywhere, refuted if nowhere.",
    arms=_arms,
    decide=_decide,
)
