"""What a training will cost, before it is trained: parameters, operations, memory, stored bytes; what is too much."""

from dataclasses import dataclass
from math import lcm, prod

from ..experiments.experiment import Experiment, RecordingPlan
from ..experiments.lowering import Network, lower
from ..kernel.amounts import bytes_in_words
from ..kernel.errors import Problem, TooLarge
from .record import ALARMS, DENSE_STEPS, KEPT_STEPS, STATISTICS

FLOAT_BYTES = 4

_STATE_TENSORS = {"optim.SGD": 0, "optim.Adagrad": 1, "optim.RMSprop": 1}
"""Tensors of the parameters' size that an optimizer keeps beside them; two (Adam's moments) where not listed."""


@dataclass(frozen=True)
class Estimate:
    """The size of one training."""

    parameters: int
    """Trainable values."""
    flops_per_step: int
    """Floating-point operations of one forward and backward pass of a batch; a multiply-add is two."""
    memory_bytes: int
    """Weights, gradients, optimizer state, activations with their gradients, and the data."""
    stored_bytes: int
    """Recorded statistics, packed as float32."""


@dataclass(frozen=True)
class Limits:
    """What a service is set to accept."""

    parameters: int
    steps: int
    memory_bytes: int
    stored_bytes: int
    runs_per_study: int


def estimate(experiment: Experiment) -> Estimate:
    """The size of a training of `experiment`; raises InvalidSpec or TooLarge where it cannot be lowered."""
    network = lower(experiment)
    training = experiment.training
    fixed, per_sample = _memory(experiment, network)
    return Estimate(
        parameters=network.parameters,
        flops_per_step=3 * network.flops * training.batch_size,
        memory_bytes=fixed + per_sample * training.batch_size,
        stored_bytes=_stored_bytes(experiment, experiment.recording),
    )


def check(experiment: Experiment, found: Estimate, limits: Limits) -> None:
    """Raise TooLarge, with what would fit, where a training exceeds the limits of this service."""
    problems: list[Problem] = []
    if found.parameters > limits.parameters:
        problems.append(
            Problem(
                "/model",
                f"the model has {found.parameters:,} parameters",
                found.parameters,
                f"at most {limits.parameters:,} parameters; a smaller width or depth",
            )
        )
    steps = experiment.training.steps
    if steps > limits.steps:
        problems.append(
            Problem("/training/steps", f"{steps:,} steps are too many", steps, f"at most {limits.steps:,} steps")
        )
    if found.memory_bytes > limits.memory_bytes and found.parameters <= limits.parameters:
        problems.append(_too_much_memory(experiment, found, limits))
    if found.stored_bytes > limits.stored_bytes:
        problems.append(_too_much_stored(experiment, found, limits))
    if problems:
        raise TooLarge(problems)


def _memory(experiment: Experiment, network: Network) -> tuple[int, int]:
    """Bytes that every batch size needs, and bytes for each sample of the batch."""
    call = experiment.optimizer.call()
    states = _STATE_TENSORS.get(call.target, 2) + (1 if call.kwargs.get("momentum") else 0)
    train, validation = experiment.data.size()
    sample = prod(network.input_shape)
    fixed = FLOAT_BYTES * ((2 + states) * network.parameters + (train + validation) * sample)
    activations = sample + sum(prod(node.out_shape) for node in network.walk())
    return fixed, 2 * FLOAT_BYTES * activations


def recorded_steps(steps: int, recording: RecordingPlan) -> tuple[int, int]:
    """At most how many steps get basic statistics, and how many of these the full ones; exact where not adaptive."""
    dense = min(recording.dense_until, steps)
    full = dense + _multiples(dense, steps, recording.full_every)
    both = lcm(recording.full_every, recording.every)
    sparse_basic = _multiples(dense, steps, recording.every) - _multiples(dense, steps, both)
    basic = full + sparse_basic
    if not recording.adaptive:
        return basic, full
    closer = ALARMS * DENSE_STEPS + 1  # the last is the step that broke
    before = (ALARMS + 1) * KEPT_STEPS
    return min(steps, basic + closer + before), min(steps, full + closer)


def _multiples(start: int, stop: int, of: int) -> int:
    """Multiples of `of` in [start, stop)."""
    return -(-stop // of) - -(-start // of)


def _stored_bytes(experiment: Experiment, recording: RecordingPlan) -> int:
    network = lower(experiment)
    basic, full = recorded_steps(experiment.training.steps, recording)
    places = {"site": len(network.sites), "weight": _weights(network), "run": 1}
    return sum(
        FLOAT_BYTES * (full if statistic.full else basic) * (places[statistic.per] + 1)
        for statistic in STATISTICS.values()
    )


def _weights(network: Network) -> int:
    """How many weights are recorded; a recurrent layer has two, and so has attention."""
    return sum(parameter.multiplies for node in network.weighted for parameter in node.parameters)


def _too_much_memory(experiment: Experiment, found: Estimate, limits: Limits) -> Problem:
    fixed, per_sample = _memory(experiment, lower(experiment))
    fitting = (limits.memory_bytes - fixed) // per_sample
    return Problem(
        "/training/batch_size",
        f"the training needs about {bytes_in_words(found.memory_bytes)} of memory",
        experiment.training.batch_size,
        f"at most {bytes_in_words(limits.memory_bytes)}; "
        + (f"a batch size of {fitting:,} fits" if fitting >= 1 else "a smaller model fits, no batch size does"),
    )


def _too_much_stored(experiment: Experiment, found: Estimate, limits: Limits) -> Problem:
    recording = experiment.recording
    sparser = _thinned(experiment, recording, limits)
    if recording.adaptive and _stored_bytes(experiment, sparser) > limits.stored_bytes:
        sparser = _thinned(experiment, recording.model_copy(update={"adaptive": False}), limits)
    return Problem(
        "/recording/every",
        f"the recorded statistics take about {bytes_in_words(found.stored_bytes)}",
        recording.every,
        f"at most {bytes_in_words(limits.stored_bytes)}; "
        f"record every {sparser.every:,} steps, and all statistics every {sparser.full_every:,}"
        + ("" if sparser.adaptive == recording.adaptive else ", with adaptive false"),
    )


def _thinned(experiment: Experiment, recording: RecordingPlan, limits: Limits) -> RecordingPlan:
    """The recording with both intervals multiplied until it fits, or until longer ones save nothing."""
    ratio = -(-_stored_bytes(experiment, recording) // limits.stored_bytes)
    while True:
        longer = {"every": recording.every * ratio, "full_every": recording.full_every * ratio}
        sparser = recording.model_copy(update=longer)
        if ratio >= experiment.training.steps or _stored_bytes(experiment, sparser) <= limits.stored_bytes:
            return sparser
        ratio *= 2
