"""Which runs are trained together, as the lanes of one ensemble.

Runs of one form differ in nothing that changes a shape. An ensemble of them computes each operation once for all lanes,
so that it saves the time of dispatching small operations, but no arithmetic. Whether that pays is estimated from the
network and the batch. The groups are a pure function of the runs that are submitted together.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil

from ..experiments.experiment import Experiment
from ..experiments.layers import Node
from ..experiments.layers.activation import ActivationLayer
from ..experiments.layers.recurrent import GATES, Recurrent
from ..experiments.layers.self_attention import SelfAttention
from ..experiments.lowering import Network, lower
from .estimate import Estimate

DISPATCH_S = 50e-6
"""Seconds that a step spends on dispatching the operations of one layer, whatever its size."""
TOGETHER = 0.6
"""How long dispatching takes for all lanes together, of what it takes for one run: lanes are not differentiated by
autograd."""
EACH = 0.09
"""The part of it that each lane takes besides: its draws, its plan, its rows of statistics, and reading the weights."""
FLOPS_PER_S = 70e9
"""Floating-point operations in a second of one core, of products as large as those of these networks.

All four fit what `benchmarks/ensemble` measured on networks of 10 to 30 layers, widths of 16 to 128 and batches of 64
and 128, with recorded runs one by one as the comparison.
"""
ATTENTION_S = 3e-6
"""Seconds of a step for each attention head and sample, besides its operations: small heads take longer than these.

Eight lanes of transformers with two blocks on 8 rows of digits were 1.85 times (width 16, batch 32; estimated: 2.3) and
1.45 times (width 32, batch 64; 1.3) as fast as recorded runs one by one (2026-11-30, on a busy machine).
"""
CELL_S = {"rnn": 85e-6, "gru": 170e-6, "lstm": 170e-6}
"""Seconds that a training step spends on dispatching the operations of one time step of a recurrent layer."""
GATE_S = 12e-9
"""Seconds of a training step for each value of a gate or state: of every sample, time step, unit and gate.

Both fit eight lanes of six recurrent networks (widths of 16 to 64, 8 to 50 time steps, batches of 32 to 128) against
recorded runs one by one: plain cells were 2.2 to 4.8 times, gated ones of width 32 1.9 to 2.3 times, and an LSTM of
width 64 1.3 times as fast (2026-11-30).
"""
LEAST_GAIN = 1.3
"""Runs are trained together if that is estimated to be so many times as fast as one after the other."""
SAMPLES_TOGETHER = 256
"""Lanes evaluate as many samples in a probe; smaller data sets must be of one size."""

LAYERS = frozenset(
    {
        "linear", "activation", "batch_norm", "layer_norm", "rms_norm", "dropout", "flatten", "residual", "block",
        "self_attention", "learned_positions", "global_avg_pool", "last_step", "embedding", "recurrent",
    }
)  # fmt: skip
"""Kinds of layers that lanes can have."""


@dataclass(frozen=True)
class Form:
    """What runs have in common that can be lanes of one ensemble, and what a lane costs."""

    digest: str
    dispatch_s: float
    """Seconds of a lone step that do not grow with the lanes."""
    compute_s: float
    """Seconds of a step for each lane."""
    memory_bytes: int
    """Memory of each lane."""

    def gain(self, lanes: int) -> float:
        """How many times as fast so many lanes are as runs one after the other."""
        of_each = EACH * self.dispatch_s + self.compute_s
        return lanes * (self.dispatch_s + self.compute_s) / (TOGETHER * self.dispatch_s + lanes * of_each)


@dataclass(frozen=True)
class Alone:
    """A run that cannot be a lane."""

    reason: str


def form_of(experiment: Experiment, size: Estimate) -> Form | Alone:
    """The form of a resolved experiment of an estimated size, or why it is trained alone."""
    training = experiment.training
    if training.precision != "float32":
        return Alone(f"precision {training.precision} is trained alone")
    network = lower(experiment)
    for node in network.walk():
        if node.kind not in LAYERS:
            return Alone(f"{node.name}: layers of kind {node.kind} are trained alone")
        if len(node.in_shape) > 2:
            return Alone(f"{node.name}: layers of images are trained alone")
        if isinstance(node.layer, ActivationLayer) and node.layer.activation.random:
            return Alone(f"{node.name}: {node.layer.activation.name} is random, and trained alone")
    return Form(
        digest=_digest(experiment, network),
        dispatch_s=sum(map(_dispatch_s, network.walk())),
        compute_s=size.flops_per_step / FLOPS_PER_S + training.batch_size * sum(map(_sample_s, network.walk())),
        memory_bytes=size.memory_bytes,
    )


def _dispatch_s(node: Node) -> float:
    """Seconds that a training step spends on dispatching a layer's operations."""
    unrolled = node.in_shape[0] * CELL_S[node.layer.cell] if isinstance(node.layer, Recurrent) else 0.0
    return DISPATCH_S + unrolled


def _sample_s(node: Node) -> float:
    """Seconds of a training step that a layer takes for each sample, besides its products."""
    if isinstance(node.layer, SelfAttention):
        return ATTENTION_S * node.layer.heads
    if isinstance(node.layer, Recurrent):
        return GATE_S * node.in_shape[0] * node.layer.width * GATES[node.layer.cell]
    return 0.0


def reason_alone(experiment: Experiment, size: Estimate, *, queue: str, most: int) -> str:
    """Why a run that is in no ensemble is trained alone, where ensembles have at most `most` lanes."""
    if most == 1:
        return "ensembles are switched off (GRADCLINIC_MAX_LANES is 1)"
    if queue != "cpu":
        return "ensembles are trained on CPUs"
    form = form_of(experiment, size)
    if isinstance(form, Alone):
        return form.reason
    if form.gain(most) < LEAST_GAIN:
        return f"{most} lanes are estimated to be only {form.gain(most):.2f} times as fast; {LEAST_GAIN:g} would pay"
    return "no other run of its form was submitted with it, or is still to be trained"


def grouped(forms: Sequence[Form | None], *, most: int, memory_bytes: int) -> Mapping[int, int]:
    """The ensembles of runs with these forms (None: trained alone): the number of each grouped run's ensemble.

    An ensemble has at most `most` lanes, which together need at most `memory_bytes`; those of one form are of nearly
    the same size.
    """
    together: dict[str, list[int]] = {}
    for place, form in enumerate(forms):
        if form is not None:
            together.setdefault(form.digest, []).append(place)
    numbers: dict[int, int] = {}
    number = 0
    for places in together.values():
        form = forms[places[0]]
        assert form is not None  # noqa: S101  # those without one were left out
        lanes = min(most, memory_bytes // max(1, form.memory_bytes))
        for members in _parts(places, most=max(1, lanes)):
            if len(members) > 1 and form.gain(len(members)) >= LEAST_GAIN:
                numbers |= dict.fromkeys(members, number)
                number += 1
    return numbers


def _parts(places: Sequence[int], *, most: int) -> Iterator[Sequence[int]]:
    """Few parts, whose sizes differ by at most one: one, or an even number, which two or four workers share evenly."""
    count = ceil(len(places) / most)
    if count > 1 and most > 1:
        count += count % 2
    for part in range(count):
        yield places[part * len(places) // count : (part + 1) * len(places) // count]


def _digest(experiment: Experiment, network: Network) -> str:
    """Of everything that decides about shapes and operations."""
    described = {
        "input": network.input_shape,
        "outputs": network.outputs,
        "task": experiment.data.task,
        "samples": min(SAMPLES_TOGETHER, experiment.data.size()[0]),
        "layers": [_described(node) for node in network.walk()],
        "ending": None if experiment.output_activation is None else experiment.output_activation.to_json(),
        "loss": experiment.minimized.to_json(),
        "batch_size": experiment.training.batch_size,
    }
    return sha256(json.dumps(described, sort_keys=True, default=str).encode()).hexdigest()


def _described(node: Node) -> object:
    call, trainable = node.call, getattr(node.layer, "trainable", True)
    return [node.name, call.target, call.args, dict(call.kwargs), node.in_shape, node.out_shape, trainable]
