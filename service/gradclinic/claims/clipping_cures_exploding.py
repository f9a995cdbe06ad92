from .claim import Arms, Claim, Figure, Results, Ruling
from .measures import finite_share, learned_share, of_parts
from .networks import mlp, network

CLIP = {"kind": "norm", "max_norm": 1.0}


def _arms(*, quick: bool) -> Arms:
    steps = 80 if quick else 300
    recurrent = {
        "kind": "rnn",
        "cell": "rnn",
        "width": 48,
        "activation": "tanh",
        "initialization": {"scheme": "lecun_normal", "gain": 3.0},
    }
    networks = {
        "relu mlp": {"model": mlp(14, "relu", "lecun_normal", gain=2.4), "learning_rate": 0.02},
        "gelu mlp": {"model": mlp(14, "gelu", "lecun_normal", gain=2.8), "data": "blobs", "learning_rate": 0.01},
        "chaotic rnn": {"model": recurrent, "data": {"kind": "adding_problem", "length": 30}, "learning_rate": 0.05},
    }
    return {
        f"{name}{', clipped' if clipping else ''}": network(steps=steps, clipping=clipping, **parts)  # type: ignore[arg-type]
        for name, parts in networks.items()
        for clipping in (None, CLIP)
    }


def _decide(results: Results) -> Ruling:
    names = [name for name in results if not name.endswith("clipped")]
    clipped = [run for name in names for run in results[f"{name}, clipped"]]
    bare = [run for name in names for run in results[name]]
    finite = finite_share(clipped) > finite_share(bare)
    learns = learned_share(clipped) >= 0.5
    figures = (
        Figure("finite without clipping", finite_share(bare), "fraction"),
        Figure("finite with clipping", finite_share(clipped), "fraction"),
        Figure("learned with clipping", learned_share(clipped), "fraction"),
    )
    return Ruling(
        of_parts([finite, learns]),
        f"Of exploding trainings {finite_share(bare):.0%} stay finite without and {finite_share(clipped):.0%} with "
        f"clipping; {learned_share(clipped):.0%} of the clipped ones learn.",
        figures,
    )


CLAIM = Claim(
    id="clipping_cures_exploding",
    order=11,
    statement="Clipping the gradient cures exploding gradients.",
    source="Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063",
    design="Three networks that explode (ReLU, GELU, a chaotic recurrent one), without and with clipping by norm.",
    rule="Two parts: more of the clipped trainings stay finite; at least half of them learn.",
    arms=_arms,
    decide=_decide,
)
