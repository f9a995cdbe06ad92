from typing import ClassVar, Literal

from ..experiments.experiment import Experiment
from ..measurements.record import RunRecord
from .base import Remedy, refuse


class RemoveClipping(Remedy):
    """Remove gradient clipping: a low threshold makes every step small and learning slow."""

    kind: Literal["remove_clipping"] = "remove_clipping"
    source: ClassVar[str] = "Zhang et al. 2020, arXiv:1905.11881 (the effect of clipping on convergence)"

    def in_place(self, record: RunRecord) -> bool:
        clipped = record.get("clipped")
        return record.clipping is None and not bool((clipped.values > 0).any())

    def apply(self, experiment: Experiment) -> Experiment:
        if experiment.clipping is None:
            raise refuse("the gradient is not clipped")
        return experiment.model_copy(update={"clipping": None})
