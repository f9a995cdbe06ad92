"""Estimates the cost of a run before it is trained (parameters, operations, memory, storage) and checks limits."""

from dataclasses import dataclass
from math import lcm, prod

from ..experiments.experiment import Experiment, RecordingPlan
from ..experiments.lowering import Network, lower
from ..kernel.amounts import bytes_in_words
from ..kernel.errors import Problem, TooLarge
from .record import ALARMS, DENSE_STEPS, KEPT_STEPS
from .schedule import scheduled
from .statistics import STATISTICS

FLOAT_BYTES = 4

_STATE_TENSORS = {"optim.SGD": 0, "optim.Adagrad": 1, "optim.RMSprop": 1}
"""State tensors per parameter that each optimizer keeps; two (Adam's moments) if not listed."""
_RECORDER_COPIES = 3
"""Copies of the weights that a fully recorded step holds: from the start, from before the step, and a difference."""
_EVALUATED = 1000
"""Training samples whose loss is evaluated at once, as are all validation samples."""


@dataclass(frozen=True)
class Estimate:
    """The estimated size of one run."""

    parameters: int
    """Number of trainable parameters."""
    flops_per_step: int
    """Floating-point operations of one forward and backward pass of a batch; a multiply-add counts as two."""
    memory_bytes: int
    """Memory for weights, gradients, optimizer state, activations with their gradients, the data set, and the copies
    that recording and training on a GPU keep."""
    stored_bytes: int
    """Storage for recorded statistics, packed as float32."""


@dataclass(frozen=True)
class Limits:
    """The limits of a service."""

    parameters: int
    steps: int
    memory_bytes: int
    stored_bytes: int
    runs_per_study: int
    study_bytes: int
    flops: int
    device_bytes: int = 0
    """Memory of a run that asks for a GPU; 0: unknown, so its worker decides."""

    def memory_of(self, experiment: Experiment) -> int | None:
        """The most memory that a run may need where it trains; None if that is not limited here."""
        if experiment.training.device == "cuda":
            return self.device_bytes or None
        return self.memory_bytes


def estimate(experiment: Experiment) -> Estimate:
    """The estimated size of a run of `experiment`; raises InvalidSpec or TooLarge if it cannot be lowered."""
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
    """Raise TooLarge, saying what would fit, if a run exceeds the limits of this service."""
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
            Problem("/training/steps", f"{steps:,} steps exceed the limit", steps, f"at most {limits.steps:,} steps")
        )
    elif found.flops_per_step * steps > limits.flops:
        problems.append(
            Problem(
                "/training/steps",
                f"{steps:,} steps need {found.flops_per_step * steps:.1e} floating-point operations",
                steps,
                _fewer_operations(found, limits),
            )
        )
    memory = limits.memory_of(experiment)
    if memory is not None and found.memory_bytes > memory and found.parameters <= limits.parameters:
        problems.append(_too_much_memory(experiment, found, most=memory))
    if found.stored_bytes > limits.stored_bytes:
        problems.append(_too_much_stored(experiment, found, limits))
    if problems:
        raise TooLarge(problems)


def _fewer_operations(found: Estimate, limits: Limits) -> str:
    fitting = limits.flops // found.flops_per_step
    return f"at most {limits.flops:.1e}; " + (
        f"{fitting:,} steps would fit" if fitting >= 1 else "use a smaller model or batch; not one step fits"
    )


def _memory(experiment: Experiment, network: Network) -> tuple[int, int]:
    """Bytes independent of the batch size, and bytes per sample of the batch."""
    call = experiment.optimizer.call()
    states = _STATE_TENSORS.get(call.target, 2) + (1 if call.kwargs.get("momentum") else 0)
    to_go_back_to = 0 if experiment.training.device == "cpu" else 1 + states
    tensors = 2 + states + _RECORDER_COPIES + to_go_back_to
    train, validation = experiment.data.size()
    sample, outputs = prod(network.input_shape), [prod(node.out_shape) for node in network.walk()]
    evaluated = max(validation, min(train, _EVALUATED)) * 2 * max(sample, *outputs)
    fixed = FLOAT_BYTES * (tensors * network.parameters + (train + validation) * sample + evaluated)
    activations = sample + sum(outputs)
    return fixed, 2 * FLOAT_BYTES * activations


def recorded_steps(steps: int, recording: RecordingPlan) -> tuple[int, int]:
    """Maximum number of steps with basic statistics, and of these with full ones; exact if not adaptive."""
    plan = scheduled(recording, steps=steps)
    full_every = plan.full_every or 1
    dense = min(plan.dense_until or 0, steps)
    full = dense + _multiples(dense, steps, full_every)
    both = lcm(full_every, recording.every)
    sparse_basic = _multiples(dense, steps, recording.every) - _multiples(dense, steps, both)
    basic = full + sparse_basic
    if not recording.adaptive:
        return basic, full
    closer = ALARMS * DENSE_STEPS + 1  # the last one is a non-finite step
    before = (ALARMS + 1) * KEPT_STEPS
    return min(steps, basic + closer + before), min(steps, full + closer)


def _full_every(recording: RecordingPlan, steps: int) -> int:
    return scheduled(recording, steps=steps).full_every or 1


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
        if not statistic.only_recorded
    )


def _weights(network: Network) -> int:
    """Number of recorded weights; recurrent layers and attention have two each."""
    return sum(parameter.multiplies for node in network.weighted for parameter in node.parameters)


def _too_much_memory(experiment: Experiment, found: Estimate, *, most: int) -> Problem:
    fixed, per_sample = _memory(experiment, lower(experiment))
    fitting = (most - fixed) // per_sample
    return Problem(
        "/training/batch_size",
        f"the run needs about {bytes_in_words(found.memory_bytes)} of memory",
        experiment.training.batch_size,
        f"at most {bytes_in_words(most)}; "
        + (f"a batch size of {fitting:,} would fit" if fitting >= 1 else "use a smaller model; no batch size fits"),
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
        f"record every {sparser.every:,} steps, and all statistics every"
        f" {_full_every(sparser, experiment.training.steps):,}"
        + ("" if sparser.adaptive == recording.adaptive else ", with adaptive false"),
    )


def _thinned(experiment: Experiment, recording: RecordingPlan, limits: Limits) -> RecordingPlan:
    """The recording plan with both intervals multiplied until it fits, or until longer intervals save nothing."""
    ratio = -(-_stored_bytes(experiment, recording) // limits.stored_bytes)
    full_every = _full_every(recording, experiment.training.steps)
    while True:
        longer = {"every": recording.every * ratio, "full_every": full_every * ratio}
        sparser = recording.model_copy(update=longer)
        if ratio >= experiment.training.steps or _stored_bytes(experiment, sparser) <= limits.stored_bytes:
            return sparser
        ratio *= 2
