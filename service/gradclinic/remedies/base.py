"""What every remedy says about itself: a pure rewrite experiment -> experiment, or a reasoned refusal."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar

from ..errors import RemedyDoesNotApply
from ..experiment import Experiment
from ..layers import AnyLayer, Layer
from ..layers.residual import Residual
from ..layers.repeat import Repeat
from ..presets import Model
from ..presets.layers import LayerList
from ..spec import Spec


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


def with_knobs(experiment: Experiment, **knobs: object) -> Experiment:
    """The same experiment with some knobs of its preset set."""
    return with_model(experiment, experiment.model.model_copy(update=knobs))


def as_layer_list(experiment: Experiment) -> LayerList:
    """The experiment's model as an explicit list of layers."""
    model = experiment.model
    if isinstance(model, LayerList):
        return model
    return LayerList(layers=tuple(model.to_layers(experiment.data.outputs())), initialization=model.initialization)


def rewrite_sequences(
    layers: Sequence[AnyLayer], rewrite: Callable[[Sequence[AnyLayer]], Sequence[AnyLayer]]
) -> tuple[AnyLayer, ...]:
    """Rewrite every list of layers in a tree, innermost first."""
    inner = [_with_body(layer, rewrite) for layer in layers]
    return tuple(rewrite(inner))


def _with_body(layer: Layer, rewrite: Callable[[Sequence[AnyLayer]], Sequence[AnyLayer]]) -> Layer:
    if isinstance(layer, Residual | Repeat):
        return layer.model_copy(update={"body": rewrite_sequences(layer.body, rewrite)})
    return layer


def refuse(reason: str) -> RemedyDoesNotApply:
    """A refusal with its reason; raise it."""
    return RemedyDoesNotApply.because(reason)
