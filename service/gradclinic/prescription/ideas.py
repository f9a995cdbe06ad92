"""What is worth trying against which condition: single remedies by what they change, and combinations.

The order follows the mechanism of each condition. Sources: Glorot and Bengio 2010 and He et al. 2015 for scales at the
start, Ioffe and Szegedy 2015 and Ba et al. 2016 for norms, He et al. 2016 and Zhang et al. 2019 for skips,
Le et al. 2015 for orthogonal recurrent starts, Cho et al. 2014 for gates, Pascanu et al. 2013 for clips.
"""

from collections.abc import Iterator, Sequence

from ..remedies import Remedy
from ..remedies.against import (
    BATCH_NORM,
    CLIPPING,
    GATED_CELL,
    KAIMING,
    LAYER_NORM,
    LEAKY_RELU,
    LECUN_LARGER,
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


def combinations(condition: str, network: Network) -> Iterator[Sequence[Remedy]]:
    """Remedies that belong together against a condition, the most promising first."""
    if condition in ("vanishing_gradients", "saturated_activations"):
        if network.recurrent:
            yield from ([ORTHOGONAL_SMALL_INPUT], [GATED_CELL], [GATED_CELL, adam(0.01)])
            yield [ORTHOGONAL_SMALL_INPUT, adam(0.003)]
        else:
            yield from ([BATCH_NORM], [RELU, KAIMING], [XAVIER])
            yield from ([skips(1.0), LAYER_NORM, adam(0.003)], [TANH, ORTHOGONAL])
            yield from ([RELU, KAIMING, adam(0.001)], [BATCH_NORM, adam(0.003)])
            yield from ([skips(network.branch)], [LECUN_LARGER])
    elif condition == "exploding_gradients":
        if network.recurrent:
            yield from ([GATED_CELL, adam(0.01)], [ORTHOGONAL], [ORTHOGONAL, CLIPPING], [GATED_CELL])
        else:
            scheme = XAVIER if network.bounded else KAIMING
            yield from ([scheme], [BATCH_NORM], [LEVEL_BRANCHES, scheme], [LEVEL_BRANCHES, rate(0.1)])
            yield from (
                [scheme, rate(0.1)],
                [BATCH_NORM, scheme],
                [LEVEL_BRANCHES],
                [CLIPPING, rate(0.1)],
            )
    elif condition == "dead_units":
        yield from (
            [KAIMING],
            [rate(0.1)],
            [rate(0.01)],
            [LEAKY_RELU, KAIMING],
        )
        yield from ([rate(0.003)], [BATCH_NORM], [KAIMING, rate(0.1)])
    elif condition in ("divergence", "oscillating_loss"):
        yield from ([rate(0.1)], [rate(0.01)], [rate(0.03)], [rate(0.3)], [adam(0.001)], [CLIPPING, rate(0.1)])
    elif condition == "slow_convergence":
        yield from ([rate(10.0)], [adam(0.01)], [rate(100.0)], [rate(1000.0)], [rate(10_000.0)], [adam(0.001)])
        if not network.recurrent:
            yield from ([RELU, KAIMING, adam(0.01)], [BATCH_NORM, rate(10.0)])


def step_changes(*, restless: bool) -> tuple[Remedy, ...]:
    """Other steps, smaller ones first where training is restless, else larger ones."""
    smaller, larger = (rate(0.1), rate(0.3), CLIPPING), (rate(10.0), rate(3.0))
    other = (adam(0.003), adam(0.01), adam(0.001))
    return (*smaller, *other, *larger) if restless else (*larger, *other, *smaller)


def structure_changes(network: Network) -> tuple[Remedy, ...]:
    """Other structures that this kind of network can take."""
    if network.recurrent:
        return (GATED_CELL,)
    if network.transformer:
        return (LAYER_NORM, skips(1.0))
    return (BATCH_NORM, skips(network.branch), LAYER_NORM, RELU, TANH)


def start_changes(network: Network) -> tuple[Remedy, ...]:
    """Other beginnings: initializations and branch scales."""
    if network.recurrent:
        return (ORTHOGONAL_SMALL_INPUT, ORTHOGONAL)
    return (KAIMING, XAVIER, ORTHOGONAL, LEVEL_BRANCHES)
