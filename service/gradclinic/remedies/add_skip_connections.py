from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..experiments.experiment import Experiment
from ..experiments.layers import AnyLayer, DoesNotFit, Layer
from ..experiments.layers.block import Block
from ..experiments.layers.recurrent import Recurrent
from ..experiments.layers.residual import Residual
from ..experiments.layers.weighted import Weighted
from ..experiments.lowering import MAX_LAYERS
from ..experiments.presets import Skip
from ..kernel.errors import InvalidSpec
from ..kernel.spec import Shape
from .base import Remedy, as_layer_list, refuse, walk, with_knob, with_layers


class AddSkipConnections(Remedy):
    """Wrap every block with equal input and output shapes in h + scale x block(h), so gradients can bypass it."""

    kind: Literal["add_skip_connections"] = "add_skip_connections"
    every: Annotated[int, Field(ge=1, le=20)] = 1
    """Number of layers with weights (or blocks) inside each skip connection."""
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Multiplies the block's output; 1 is the original, smaller values keep gradients of deep networks constant."""
    rank: ClassVar[int | None] = 4
    source: ClassVar[str] = "He et al. 2016, arXiv:1512.03385"

    def apply(self, experiment: Experiment) -> Experiment:
        model = experiment.model
        layers = as_layer_list(experiment).layers
        if any(isinstance(layer, Residual) for layer in walk(layers)):
            raise refuse("the model already has skip connections")
        if any(isinstance(layer, Recurrent) for layer in walk(layers)):
            raise refuse(
                "the depth of a recurrent model is time, which skip connections do not shorten; try use_gated_cell"
            )
        if model.count() > MAX_LAYERS:
            raise refuse(f"the model has more than {MAX_LAYERS} layers")
        rewritten = self._wrap(layers, experiment.data.input_shape(model.layout()))
        if not any(isinstance(layer, Residual) for layer in rewritten):
            raise refuse(
                f"no {self.every} successive layers with weights before the readout have equal input and output shapes"
                if self.every > 1
                else "no layer with weights before the readout has equal input and output shapes"
            )
        knob = with_knob(experiment, "skip", Skip(scale=self.scale)) if self.every == 1 else None
        return with_layers(experiment, rewritten) if knob is None else knob

    def _wrap(self, layers: Sequence[AnyLayer], in_shape: Shape) -> tuple[AnyLayer, ...]:
        """Split the unrolled list before each layer with weights, and wrap the pieces.

        What changes the shape at the end of a piece (pooling, or flattening before the readout) stays outside.
        """
        flat = [layer for declared in layers for layer, _ in declared.expand("")]
        starts = [index for index, layer in enumerate(flat) if isinstance(layer, Weighted | Block)]
        ends = [*starts[1:], len(flat)]
        readout = len(starts) - 1
        result: list[AnyLayer] = flat[: starts[0]] if starts else flat
        shape = _shape_after(result, in_shape)
        position = 0
        while position < len(starts):
            first, kept = starts[position], 0
            if position + self.every <= readout:
                last = starts[position + self.every - 1]
                kept = _keeping_shape(flat[first : ends[position + self.every - 1]], shape, last - first + 1)
            taken = self.every if kept else 1
            piece = flat[first : ends[position + taken - 1]]
            result += [Residual(body=tuple(piece[:kept]), scale=self.scale), *piece[kept:]] if kept else piece
            shape, position = _shape_after(piece, shape), position + taken
        return tuple(result)


def _keeping_shape(layers: Sequence[Layer], shape: Shape, at_least: int) -> int:
    """The most layers from the first one on, `at_least` so many, whose output shape is their input's; 0 if none."""
    sizes = range(len(layers), at_least - 1, -1)
    return next((size for size in sizes if _shape_after(layers[:size], shape) == shape), 0)


def _shape_after(layers: Sequence[Layer], shape: Shape) -> Shape:
    try:
        for layer in layers:
            shape = layer.out_shape(shape)
    except (DoesNotFit, InvalidSpec) as misfit:
        raise refuse(f"the model does not match its data set: {misfit}") from None
    return shape
