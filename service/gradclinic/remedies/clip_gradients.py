from typing import ClassVar, Literal

from ..clipping import AnyClipping
from ..clipping.norm import NormClipping
from ..clipping.value import ValueClipping
from ..experiment import Experiment
from ..spec import PositiveFloat
from .base import Remedy, refuse


class ClipGradients(Remedy):
    """Limit the gradient before each step, by its norm or entry by entry."""

    kind: Literal["clip_gradients"] = "clip_gradients"
    by: Literal["norm", "value"] = "norm"
    """What is limited: the L2 norm of all gradients together, or each entry."""
    threshold: PositiveFloat = 1.0
    """The limit."""
    rank: ClassVar[int | None] = 6
    source: ClassVar[str] = "Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063"

    def apply(self, experiment: Experiment) -> Experiment:
        clipping = self._clipping()
        if experiment.clipping == clipping:
            raise refuse(f"the gradient is clipped by {self.by} at {self.threshold:g} already")
        return experiment.model_copy(update={"clipping": clipping})

    def _clipping(self) -> AnyClipping:
        if self.by == "norm":
            return NormClipping(max_norm=self.threshold)
        return ValueClipping(max_value=self.threshold)
