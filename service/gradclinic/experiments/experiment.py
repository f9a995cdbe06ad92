"""The declarative description of one training run. It contains no code."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ..kernel.spec import Items, Seed, Spec
from .clipping import AnyClipping
from .datasets import AnyDataset, Uploads
from .layers.activation import ActivationLayer
from .losses import AnyLoss, Loss
from .losses.cross_entropy import CrossEntropy
from .losses.mse import MeanSquaredError
from .lr_schedules import AnyLrSchedule
from .lr_schedules.constant import Constant
from .optimizers import AnyOptimizer
from .output_activations import AnyOutputActivation
from .presets import AnyModel
from .presets.layers import LayerList

ConditionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


class StopWhen(Spec):
    """Stops a run early once a finding is certain, because the remaining steps would only confirm it."""

    conditions: Annotated[Items[ConditionName], Field(min_length=1, max_length=20)]
    """Conditions whose finding stops the run. Only diagnosis rules that allow early stopping can be named."""
    confidence: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    """Minimum confidence of the finding."""
    after: Annotated[int, Field(ge=20, le=1_000_000)] = 100
    """First step at which the run may be stopped. The rules need at least 20 steps."""


class Training(Spec):
    """Number of steps, batch size, seed, precision and device."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Samples per step, drawn with replacement from the run's own random generator."""
    seed: Seed = 0
    """Determines the initial weights, the order of the data and all other random draws of the run."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of activations and their gradients. Weights stay in float32; float16 uses loss scaling."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to train on; auto uses a GPU if the worker has one."""
    stop_when: StopWhen | None = None
    """Early stopping on a finding; null trains to the end. A stopped run reports the steps it saved."""


class RecordingPlan(Spec):
    """Which statistics are recorded, and at which steps."""

    every: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Record the basic statistics every this many steps: the loss and the norms of the gradients."""
    sites_every: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Of these, record the gradients at the layer outputs every this many steps. Null is each of the first 10 steps,
    then as often as about 0.5 % of the training's time allows, at least 20 times in a run; with `every` above 1, as
    often as that."""
    full_every: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Record all statistics every this many steps. Null is as often as about 1 % of the training's time allows, at
    least 10 times in a run."""
    probe_every: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Evaluate the probe every this many steps. Null is 30 to 60 times in a run, by its length, and twice as often for
    a while after the probe's loss has risen (only if adaptive)."""
    probe_rows: Annotated[int, Field(ge=1, le=256)] | None = None
    """Number of training samples in the probe, chosen evenly by target from the first 256. Null is 256, or 128 or 64 if
    the probes would otherwise take more than about 3 % of the training's time."""
    units_every: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Look for dead units, on 256 training samples, every this many steps. Null is about 10 times in a run; if the
    layers have none that can die, they are not looked for."""
    dense_until: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Record all statistics at every step before this one. Null is 5."""
    adaptive: bool = True
    """Record more around unusual steps. If the loss or gradient norm of a step is far above the previous 32 steps, all
    statistics of the next 10 steps are recorded (at most 5 times per run). If a step is not finite, all its statistics
    are recorded (on a GPU, those the plan already includes). In both cases the loss and gradient norms of the steps
    since the last record are added, at most 32."""


class Experiment(Spec):
    """One training run: model, data, optimizer, learning-rate schedule, gradient clipping, training and recording."""

    model: AnyModel
    """The network: a preset or an explicit list of layers."""
    data: AnyDataset
    """The data set to train on."""
    output_activation: AnyOutputActivation | None = None
    """The activation after the last layer; null is none. Cross entropy takes logits, without an activation."""
    loss: AnyLoss | None = None
    """The loss to minimize; null is cross entropy for classes and the mean squared error for numbers."""
    optimizer: AnyOptimizer
    """The optimizer and its parameters."""
    schedule: AnyLrSchedule = Constant()
    """How the learning rate changes during training."""
    clipping: AnyClipping | None = None
    """Gradient clipping before each optimizer step; null disables it."""
    training: Training = Training()
    """Steps, batch size, seed, precision, device."""
    recording: RecordingPlan = RecordingPlan()
    """Which statistics are recorded, and how often."""

    @property
    def minimized(self) -> Loss:
        """The loss, or the usual one of the data set's task."""
        if self.loss is not None:
            return self.loss
        return CrossEntropy() if self.data.task == "classification" else MeanSquaredError()

    @property
    def ending(self) -> AnyOutputActivation | None:
        """The activation of the outputs: the declared one, or else that of the last layer of a list; None if none."""
        last = self.model.layers[-1] if isinstance(self.model, LayerList) else None
        if self.output_activation is None and isinstance(last, ActivationLayer):
            return last.activation
        return self.output_activation

    def with_uploads(self, uploads: Uploads) -> "Experiment":
        """A copy of the experiment that can access its uploaded data set; raises InvalidSpec if there is none.

        Without this, an experiment on uploaded data has no shapes and cannot be lowered, estimated or trained.
        """
        return self.model_copy(update={"data": self.data.with_uploads(uploads)})

    def with_seed(self, seed: int) -> "Experiment":
        """A copy of the experiment with another seed."""
        return self.model_copy(update={"training": self.training.model_copy(update={"seed": seed})})
