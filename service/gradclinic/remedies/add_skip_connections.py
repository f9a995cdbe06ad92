from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiment import Experiment
from ..layers import AnyLayer, DoesNotFit, Layer
from ..layers.residual import Residual
from ..presets import Skip
from ..presets.layers import LayerList
from ..spec import Shape
from .base import Remedy, as_layer_list, refuse, with_knobs, with_model
from .norms import WEIGHTED


class AddSkipConnections(Remedy):
    """Wrap every block that keeps its shape in h + scale x block(h), so that gradients can pass it by."""

    kind: Literal["add_skip_connections"] = "add_skip_connections"
    every: Annotated[int, Field(ge=1, le=20)] = 1
    """Weighted layers in each block."""
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Multiplies the block's output; 1 is the original, smaller keeps deep networks level."""
    rank: ClassVar[int | None] = 4
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model
        if getattr(model, "skip", None) is not None:
            raise refuse("the model has skip connections already")
        layers = as_layer_list(experiment)
        rewritten = self._wrap(layers.layers, experiment.data.input_shape(model.layout()))
        if rewritten == layers.layers:
            raise refuse(f"no {self.every} successive weighted layers return the shape they take")
        if self.every == 1 and "skip" in type(model).model_fields and not isinstance(model, LayerList):
            return with_knobs(experiment, skip=Skip(scale=self.scale))
        return with_model(experiment, layers.model_copy(update={"layers": rewritten}))

    def _wrap(self, layers: Sequence[AnyLayer], in_shape: Shape) -> tuple[AnyLayer, ...]:
        """Cut the unrolled list into blocks, each from one weighted layer to just before the next, and wrap them."""
        flat = [layer for index, declared in enumerate(layers) for layer, _ in declared.expand(str(index))]
        if any(isinstance(layer, Residual) for layer in flat):
            raise refuse("the model has skip connections already")
        starts = [index for index, layer in enumerate(flat) if isinstance(layer, WEIGHTED)]
        result: list[AnyLayer] = flat[: starts[0]] if starts else flat
        shape = _shape_after(result, in_shape)
        position, readout = 0, len(starts) - 1
        while position < len(starts):
            last = min(position + self.every, len(starts))
            block = flat[starts[position] : starts[last] if last < len(starts) else len(flat)]
            whole = last - position == self.every and last <= readout
            if whole and _shape_after(block, shape) == shape:
                result.append(Residual(body=tuple(block), scale=self.scale))
            else:
                last = position + 1
                block = flat[starts[position] : starts[last] if last < len(starts) else len(flat)]
                result.extend(block)
            shape = _shape_after(block, shape)
            position = last
        return tuple(layers) if not any(isinstance(layer, Residual) for layer in result) else tuple(result)


def _shape_after(layers: Sequence[Layer], shape: Shape) -> Shape:
    try:
        for layer in layers:
            shape = layer.out_shape(shape)
    except DoesNotFit as misfit:
        raise refuse(f"the model itself does not fit its data: {misfit}") from None
    return shape
