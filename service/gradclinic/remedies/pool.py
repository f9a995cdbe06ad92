"""Every remedy that is tried, measured and drawn at random, with its parameters set, by its name.

Suggestions, the search for a cure and the random control choose from these, and cures are counted for these.
"""

from collections.abc import Mapping
from functools import cache

from pydantic import TypeAdapter

from ..experiments.activations.elu import ELU
from ..experiments.optimizers.sgd import SGD
from . import against
from .add_skip_connections import AddSkipConnections
from .base import Remedy
from .change_optimizer import ChangeOptimizer
from .clip_gradients import ClipGradients
from .network import Network
from .swap_activation import SwapActivation
from .words import in_words

_SAME_FOR_ALL: tuple[Remedy, ...] = (
    against.RELU,
    against.LEAKY_RELU,
    against.LEAKIER_RELU,
    SwapActivation(activation=ELU()),
    against.TANH,
    against.BATCH_NORM,
    against.LAYER_NORM,
    against.NORM_OF_EACH_SAMPLE,
    against.NORM_OF_GROUPS,
    against.PRE_NORM,
    against.skips(1.0),
    against.LEVEL_BRANCHES,
    against.GATED_CELL,
    against.FORGET_BIAS,
    against.XAVIER,
    against.KAIMING,
    against.LECUN,
    against.LECUN_LARGER,
    against.ORTHOGONAL,
    against.ORTHOGONAL_SMALL_INPUT,
    *(against.rate(factor) for factor in (0.01, 0.02, 0.03, 0.1, 0.3, 3.0, 10.0, 100.0)),
    *(against.adam(learning_rate) for learning_rate in (0.001, 0.003, 0.01)),
    ChangeOptimizer(optimizer=SGD(learning_rate=0.01, momentum=0.9)),
    against.WARMUP,
    against.CONSTANT_RATE,
    against.CLIPPING,
    ClipGradients(by="value", threshold=0.1),
    against.NO_CLIPPING,
    against.LONGER,
    against.LARGER_BATCH,
    against.STANDARDIZED,
    against.STANDARDIZED_TARGETS,
    against.USUAL_LOSS,
    against.PLAIN_OUTPUTS,
    against.LOG_PROBABILITIES,
    against.NO_DECAY,
    against.LESS_DECAY,
    against.LESS_DROPOUT,
    against.FLOAT32,
    against.BFLOAT16,
)
_SCALED_SKIPS = "add skip connections (scale 1 / sqrt(depth))"


@cache
def pool(network: Network) -> Mapping[str, Remedy]:
    """All of them for this kind of network: those above, and every other kind of the catalogue with its defaults.

    The scale of one follows the depth of the network.
    """
    from . import REMEDIES, AnyRemedy  # this module is one of its own

    known = TypeAdapter[Remedy](AnyRemedy)
    listed = {remedy.kind for remedy in _SAME_FOR_ALL}
    others = [known.validate_python({"kind": kind}) for kind in REMEDIES if kind not in listed]
    named = {in_words(remedy): remedy for remedy in (*_SAME_FOR_ALL, *others)}
    return {**named, _SCALED_SKIPS: against.skips(network.branch)}


def name_of(remedy: Remedy, network: Network) -> str | None:
    """The name of a remedy in the pool; None if it is not one of these."""
    if isinstance(remedy, AddSkipConnections) and remedy == against.skips(network.branch):
        return _SCALED_SKIPS
    name = in_words(remedy)
    return name if pool(network).get(name) == remedy else None
