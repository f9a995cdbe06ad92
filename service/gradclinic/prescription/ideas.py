"""Further single remedies to try, by what they change; each rule suggests the remedies against its condition.

The order follows the mechanism of each condition. Sources: Glorot and Bengio 2010 and He et al. 2015 for scales at the
start, Ioffe and Szegedy 2015 and Ba et al. 2016 for norms, He et al. 2016 and Zhang et al. 2019 for skips,
Le et al. 2015 for orthogonal recurrent starts, Cho et al. 2014 for gates, Pascanu et al. 2013 for clips.
"""

from ..remedies import Remedy
from ..remedies.against import (
    BATCH_NORM,
    CLIPPING,
    GATED_CELL,
    KAIMING,
    LAYER_NORM,
    LEVEL_BRANCHES,
    ORTHOGONAL,
    ORTHOGONAL_SMALL_INPUT,
    RELU,
    TANH,
    XAVIER,
    adam,
    rate,
    skips,
)
from ..remedies.network import Network


def step_changes(*, restless: bool) -> tuple[Remedy, ...]:
    """Changes of the steps; smaller steps first if training is restless, otherwise larger ones."""
    smaller, larger = (rate(0.1), rate(0.3), CLIPPING), (rate(10.0), rate(3.0))
    other = (adam(0.003), adam(0.01), adam(0.001))
    return (*smaller, *other, *larger) if restless else (*larger, *other, *smaller)


def structure_changes(network: Network) -> tuple[Remedy, ...]:
    """Changes of the structure that this kind of network supports."""
    if network.recurrent:
        return (GATED_CELL,)
    if network.transformer:
        return (LAYER_NORM, skips(1.0))
    return (BATCH_NORM, skips(network.branch), LAYER_NORM, RELU, TANH)


def start_changes(network: Network) -> tuple[Remedy, ...]:
    """Changes of the start: initializations and branch scales."""
    if network.recurrent:
        return (ORTHOGONAL_SMALL_INPUT, ORTHOGONAL)
    return (KAIMING, XAVIER, ORTHOGONAL, LEVEL_BRANCHES)
