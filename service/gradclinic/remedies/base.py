"""The base class of remedies: a pure function experiment -> experiment, or an error with a reason."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar

from pydantic import ValidationError

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer, Layer
from ..experiments.presets import Model
from ..experiments.presets.layers import LayerList
from ..kernel.errors import RemedyDoesNotApply
from ..kernel.spec import Spec
from ..measurements.record import RunRecord


class Remedy(Spec):
    """A named change of an experiment. Workers see only the changed experiment; the change is shown as a JSON diff."""

    kind: str
    rank: ClassVar[int | None] = None
    """Rank in common advice (1 is most relevant); None if not among the common six."""
    source: ClassVar[str]

    def __getitem__(self, key: str) -> object:
        """A knob by its JSON key; raises KeyError if it has no such knob."""
        if key not in type(self).model_fields:
            raise KeyError(key)
        return getattr(self, key)

    @property
    def advice(self) -> str:
        """What to do, as the end of a sentence: `add batch norm`."""
        return self.kind.replace("_", " ")

    @abstractmethod
    def apply(self, experiment: Experiment) -> Experiment:
        """The experiment with the remedy applied; raises RemedyDoesNotApply if there is nothing to change."""

    def in_place(self, record: RunRecord) -> bool:
        """Whether a recorded training, as far as its record shows, already has it or has nothing for it to change."""
        return False

    def misfits(self, record: RunRecord) -> bool:
        """Whether a recorded training, as far as its record shows, would be wrong with it."""
        return False


def with_model(experiment: Experiment, model: Model) -> Experiment:
    """A copy of the experiment with another model."""
    return experiment.model_copy(update={"model": model})


def with_knob(experiment: Experiment, name: str, value: object) -> Experiment | None:
    """A copy of the experiment with one preset parameter set; None if the model does not support it."""
    model = experiment.model
    fields = type(model).model_fields
    if name not in fields or isinstance(model, LayerList):
        return None
    try:
        changed = type(model).model_validate({field: getattr(model, field) for field in fields} | {name: value})
    except ValidationError:
        return None
    return with_model(experiment, changed)


def as_layer_list(experiment: Experiment) -> LayerList:
    """The model of the experiment as an explicit list of layers."""
    model, data = experiment.model, experiment.data
    if isinstance(model, LayerList):
        return model
    layers = tuple(model.to_layers(data.outputs(), data.input_shape(model.layout())))
    return LayerList(layers=layers, initialization=model.initialization)


def with_layers(experiment: Experiment, layers: Sequence[AnyLayer]) -> Experiment:
    """A copy of the experiment with another list of layers."""
    return with_model(experiment, as_layer_list(experiment).model_copy(update={"layers": tuple(layers)}))


def rewrite_layers(layers: Sequence[AnyLayer], rewrite: Callable[[AnyLayer], AnyLayer]) -> tuple[AnyLayer, ...]:
    """Rewrite every layer of a tree, innermost first; order and number of layers are unchanged."""
    return tuple(
        rewrite(layer.model_copy(update={"body": rewrite_layers(layer.inner(), rewrite)}) if layer.inner() else layer)
        for layer in layers
    )


def walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    """All declared layers of a tree, each container before its contents."""
    for layer in layers:
        yield layer
        yield from walk(layer.inner())


def refuse(reason: str) -> RemedyDoesNotApply:
    """The error to raise, with its reason."""
    return RemedyDoesNotApply.because(reason)
