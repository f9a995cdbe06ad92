"""What is worth trying against which condition: single remedies by what they change, and combinations.

The order follows the mechanism of each condition. Sources: Glorot and Bengio 2010 and He et al. 2015 for scales at the
start, Ioffe and Szegedy 2015 and Ba et al. 2016 for norms, He et al. 2016 and Zhang et al. 2019 for skips,
Le et al. 2015 for orthogonal recurrent starts, Cho et al. 2014 for gates, Pascanu et al. 2013 for clips.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..experiments.experiment import Experiment
from ..experiments.lowering import lower

RemedyJson = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What ideas depend on."""

    recurrent: bool
    transformer: bool
    bounded: bool
    branch: float
    """1 / sqrt(depth), the scale that keeps a sum over the depth level."""

    @classmethod
    def of(cls, experiment: Experiment) -> "Facts":
        sites = lower(experiment).sites
        depth = max(1, sum(site.in_profile for site in sites))
        return cls(
            recurrent=any(site.kind == "state" for site in sites),
            transformer=experiment.model.kind == "transformer",
            bounded=any(site.activation is not None and site.activation.bounded for site in sites),
            branch=round(depth**-0.5, 3),
        )


def combinations(condition: str, facts: Facts) -> Iterator[Sequence[RemedyJson]]:
    """Remedies that belong together against a condition, the most promising first."""
    if condition in ("vanishing_gradients", "saturated_activations"):
        if facts.recurrent:
            yield from ([_init("orthogonal", input_gain=0.1)], [_GATED], [_GATED, _adam(0.01)])
            yield [_init("orthogonal", input_gain=0.1), _adam(0.003)]
        else:
            yield from ([_BATCH_NORM], [_swap("relu"), _init("kaiming_normal")], [_init("xavier_normal")])
            yield from ([_skip(1.0), _LAYER_NORM, _adam(0.003)], [_swap("tanh"), _init("orthogonal")])
            yield from ([_swap("relu"), _init("kaiming_normal"), _adam(0.001)], [_BATCH_NORM, _adam(0.003)])
            yield from ([_skip(facts.branch)], [_init("lecun_normal", gain=1.2)])
    elif condition == "exploding_gradients":
        if facts.recurrent:
            yield from ([_GATED, _adam(0.01)], [_init("orthogonal")], [_init("orthogonal"), _clip(1.0)], [_GATED])
        else:
            scheme = "xavier_normal" if facts.bounded else "kaiming_normal"
            yield from ([_init(scheme)], [_BATCH_NORM], [_BRANCHES, _init(scheme)], [_BRANCHES, _rate(0.1)])
            yield from (
                [_init(scheme), _rate(0.1)],
                [_BATCH_NORM, _init(scheme)],
                [_BRANCHES],
                [_clip(1.0), _rate(0.1)],
            )
    elif condition == "dead_units":
        yield from (
            [_init("kaiming_normal")],
            [_rate(0.1)],
            [_rate(0.01)],
            [_swap("leaky_relu"), _init("kaiming_normal")],
        )
        yield from ([_rate(0.003)], [_BATCH_NORM], [_init("kaiming_normal"), _rate(0.1)])
    elif condition in ("divergence", "oscillating_loss"):
        yield from ([_rate(0.1)], [_rate(0.01)], [_rate(0.03)], [_rate(0.3)], [_adam(0.001)], [_clip(1.0), _rate(0.1)])
    elif condition == "slow_convergence":
        yield from ([_rate(10.0)], [_adam(0.01)], [_rate(100.0)], [_rate(1000.0)], [_rate(10_000.0)], [_adam(0.001)])
        if not facts.recurrent:
            yield from ([_swap("relu"), _init("kaiming_normal"), _adam(0.01)], [_BATCH_NORM, _rate(10.0)])


def step_changes(*, restless: bool) -> tuple[RemedyJson, ...]:
    """Other steps, smaller ones first where training is restless, else larger ones."""
    smaller, larger = (_rate(0.1), _rate(0.3), _clip(1.0)), (_rate(10.0), _rate(3.0))
    adam = (_adam(0.003), _adam(0.01), _adam(0.001))
    return (*smaller, *adam, *larger) if restless else (*larger, *adam, *smaller)


def structure_changes(facts: Facts) -> tuple[RemedyJson, ...]:
    """Other structures that this kind of network can take."""
    if facts.recurrent:
        return (_GATED,)
    if facts.transformer:
        return (_LAYER_NORM, _skip(1.0))
    return (_BATCH_NORM, _skip(facts.branch), _LAYER_NORM, _swap("relu"), _swap("tanh"))


def start_changes(facts: Facts) -> tuple[RemedyJson, ...]:
    """Other beginnings: initializations and branch scales."""
    if facts.recurrent:
        return (_init("orthogonal", input_gain=0.1), _init("orthogonal"))
    return (_init("kaiming_normal"), _init("xavier_normal"), _init("orthogonal"), _BRANCHES)


_BATCH_NORM: RemedyJson = {"kind": "add_batch_norm"}
_LAYER_NORM: RemedyJson = {"kind": "add_layer_norm"}
_GATED: RemedyJson = {"kind": "use_gated_cell"}
_BRANCHES: RemedyJson = {"kind": "scale_residual_branches"}


def _swap(activation: str) -> RemedyJson:
    return {"kind": "swap_activation", "activation": activation}


def _skip(scale: float) -> RemedyJson:
    return {"kind": "add_skip_connections", "scale": scale}


def _init(scheme: str, **fields: float) -> RemedyJson:
    return {"kind": "set_initialization", "initialization": {"scheme": scheme, **fields}}


def _rate(factor: float) -> RemedyJson:
    return {"kind": "lower_learning_rate" if factor < 1 else "set_learning_rate", "factor": factor}


def _adam(learning_rate: float) -> RemedyJson:
    return {"kind": "change_optimizer", "optimizer": {"kind": "adam", "learning_rate": learning_rate}}


def _clip(threshold: float) -> RemedyJson:
    return {"kind": "clip_gradients", "by": "norm", "threshold": threshold}
