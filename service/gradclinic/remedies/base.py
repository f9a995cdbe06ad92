"""What every remedy says about itself: a pure rewrite experiment -> experiment, or a reasoned refusal."""

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


class Remedy(Spec):
    """A named change of an experiment. Workers never hear of it: what it changed is a JSON diff."""

    kind: str
    rank: ClassVar[int | None] = None
    """Its place in common advice (1 is most relevant); None beyond the common six."""
    source: ClassVar[str]

    @abstractmethod
    def apply(self, experiment: Experiment) -> Experiment:
        """The experiment with the remedy; raises RemedyDoesNotApply where it has nothing to change."""


def with_model(experiment: Experiment, model: Model) -> Experiment:
    """The same experiment with another model."""
    return experiment.model_copy(update={"model": model})


def with_knob(experiment: Experiment, name: str, value: object) -> Experiment | None:
    """The same experiment with one knob of its preset set; None where its model has no such knob for that value."""
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
    """The experiment's model as an explicit list of layers."""
    model, data = experiment.model, experiment.data
    if isinstance(model, LayerList):
        return model
    layers = tuple(model.to_layers(data.outputs(), data.input_shape(model.layout())))
    return LayerList(layers=layers, initialization=model.initialization)


def with_layers(experiment: Experiment, layers: Sequence[AnyLayer]) -> Experiment:
    """The same experiment with another list of layers."""
    return with_model(experiment, as_layer_list(experiment).model_copy(update={"layers": tuple(layers)}))


def rewrite_layers(layers: Sequence[AnyLayer], rewrite: Callable[[AnyLayer], AnyLayer]) -> tuple[AnyLayer, ...]:
    """Rewrite every layer of a tree, innermost first; the order and the number of layers stay."""
    return tuple(
        rewrite(layer.model_copy(update={"body": rewrite_layers(layer.inner(), rewrite)}) if layer.inner() else layer)
        for layer in layers
    )


def walk(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Every declared layer of a tree, containers before what they contain."""
    for layer in layers:
        yield layer
        yield from walk(layer.inner())


def refuse(reason: str) -> RemedyDoesNotApply:
    """A refusal with its reason; raise it."""
    return RemedyDoesNotApply.because(reason)
