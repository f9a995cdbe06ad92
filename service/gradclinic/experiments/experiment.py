"""The declarative description of one training. Nothing in it is code."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from ..kernel.spec import Items, Seed, Spec
from .clipping import AnyClipping
from .datasets import AnyDataset, Uploads
from .lr_schedules import AnyLrSchedule
from .lr_schedules.constant import Constant
from .optimizers import AnyOptimizer
from .presets import AnyModel

ConditionName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]


class StopWhen(Spec):
    """Stop a run early, once a finding is certain: the rest of its steps would only confirm it."""

    conditions: Annotated[Items[ConditionName], Field(min_length=1, max_length=20)]
    """The conditions whose finding ends the run: rules of the diagnosis that allow it."""
    confidence: Annotated[float, Field(ge=0.5, le=1)] = 0.95
    """How sure the finding must be."""
    after: Annotated[int, Field(ge=20, le=1_000_000)] = 100
    """First step at which a run may be stopped; the rules themselves need 20."""


class Training(Spec):
    """How long, with how much at once, and from which seed."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """Optimizer steps."""
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 64
    """Samples a step, drawn with replacement by the run's own generator."""
    seed: Seed = 0
    """Fixes the weights, the order of the data and every other draw of the run."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of activations and their gradients; weights stay float32, and a float16 loss is scaled."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it trains; auto takes a GPU where the worker has one."""
    stop_when: StopWhen | None = None
    """Stop early on a finding; null trains to the end. A run that was stopped says how much it saved."""


class RecordingPlan(Spec):
    """The recorder's plan: which steps, and which statistics."""

    every: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Steps between two records of the basic statistics."""
    full_every: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Steps between two records of all statistics."""
    dense_until: Annotated[int, Field(ge=0, le=100_000)] = 10
    """All statistics at every step before this one."""
    adaptive: bool = True
    """Look closer when something happens. After a step whose loss or gradient norm is far above the 32 before it, all
    statistics of the next 10 steps, at most 5 times a run; all of a step that is not finite (on a GPU what the plan has
    of it). Either way also loss and gradient norms of the steps since the last record, 32 at most."""


class Experiment(Spec):
    """One training, declared: model, data, optimizer, schedule, clipping, training, recording."""

    model: AnyModel
    """The network: a preset, or an explicit list of layers."""
    data: AnyDataset
    """What it learns from."""
    optimizer: AnyOptimizer
    """How it takes its steps."""
    schedule: AnyLrSchedule = Constant()
    """How the learning rate changes over the steps."""
    clipping: AnyClipping | None = None
    """What limits the gradient before each step; null is no limit."""
    training: Training = Training()
    """Steps, batch size, seed, precision, device."""
    recording: RecordingPlan = RecordingPlan()
    """What is recorded, and how often."""

    def with_uploads(self, uploads: Uploads) -> "Experiment":
        """The same experiment, knowing the rows of its uploaded data; raises InvalidSpec if there are none.

        An experiment over uploaded data has no shapes before that: nothing can lower, estimate or train it.
        """
        return self.model_copy(update={"data": self.data.with_uploads(uploads)})

    def with_seed(self, seed: int) -> "Experiment":
        """The same experiment from another seed."""
        return self.model_copy(update={"training": self.training.model_copy(update={"seed": seed})})
