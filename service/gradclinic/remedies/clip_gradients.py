from typing import ClassVar, Literal

from ..experiments.clipping import AnyClipping
from ..experiments.clipping.adaptive import AdaptiveClipping
from ..experiments.clipping.norm import NormClipping
from ..experiments.clipping.value import ValueClipping
from ..experiments.experiment import Experiment
from ..kernel.spec import PositiveFloat
from .base import Remedy, refuse


class ClipGradients(Remedy):
    """Clip the gradient before each step: by norm, by value, or relative to each unit's weights."""

    kind: Literal["clip_gradients"] = "clip_gradients"
    by: Literal["norm", "value", "adaptive"] = "norm"
    """What is clipped: the L2 norm over all gradients, each entry, or each unit's ratio of gradient to weight norm."""
    threshold: PositiveFloat | None = None
    """Clipping threshold; null uses 1 for the norm, 0.1 for values and 0.01 for the ratio."""
    rank: ClassVar[int | None] = 6
    source: ClassVar[str] = "Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063; adaptive: Brock et al. 2021"

    def apply(self, experiment: Experiment) -> Experiment:
        clipping = self.clipping()
        if experiment.clipping == clipping:
            raise refuse(f"the gradient is already clipped by {self.by} at this threshold")
        return experiment.model_copy(update={"clipping": clipping})

    def clipping(self) -> AnyClipping:
        """The clipping that it sets."""
        if self.by == "norm":
            return NormClipping(max_norm=self.threshold or 1.0)
        if self.by == "value":
            return ValueClipping(max_value=self.threshold or 0.1)
        return AdaptiveClipping(factor=self.threshold or 0.01)
