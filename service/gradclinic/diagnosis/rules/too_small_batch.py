from collections.abc import Sequence
from typing import ClassVar, Literal

from ...measurements.preflight import LossFacts
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import LARGER_BATCH, NORM_OF_EACH_SAMPLE, rate
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import counted, outcome_in_words
from ..reliability import IN_PROGRAMS
from ..thresholds import Thresholds
from .base import Order, Rule

_FEWEST = 8
"""Values that a batch norm averages over. Its estimate of a variance from n values is off by sqrt(2/(n - 1)): half of
the variance at n = 9, and more than all of it at n = 2."""
_SIGNS = 2
"""Values of which a norm makes -1 and 1, whatever they are, so that training sees signs and evaluation does not."""
_FEWEST_SAMPLES = 2
"""Samples: the pixels of one image are too much alike to count as values of their own."""


_FEWEST_COMPARED = 4
"""Samples that a loss compares, from which each has more than two others to be told from: a judgement. The bound on the
information that it can learn is the logarithm of their number."""
_COMPARED_RIGHTLY = 0.75
"""By the rule of succession: in 2 of 2 trainings, with batches of 2; not found in the correct programs."""


class TooSmallBatch(Rule):
    """Batch norm averages over so few values that its noise hides the signal, or a loss compares so few samples."""

    condition: Literal["too_small_batch"] = "too_small_batch"
    source: ClassVar[str] = (
        "Wu and He 2018, Group Normalization, arXiv:1803.08494; sqrt(2/(n - 1)); "
        "van den Oord et al. 2018, Contrastive Predictive Coding, arXiv:1807.03748"
    )
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
        if seen is not None and seen.loss is not None and 0 < seen.loss.compared_samples < _FEWEST_COMPARED:
            return self._of_compared(features, seen.loss, thresholds)
        if seen is None or seen.norm is None:
            return None
        samples = seen.batch_size or record.batch_size
        if seen.norm.values >= _FEWEST and samples > _FEWEST_SAMPLES:
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds) or seen.norm.values <= _SIGNS,
            confidence=IN_PROGRAMS[self.condition].rightly,
            layers=(seen.norm.layer,),
            evidence=(
                Evidence("values_per_channel", float(seen.norm.values), "values", float(_FEWEST)),
                Evidence("batch_size", float(samples), "samples", float(_FEWEST_SAMPLES + 1)),
            ),
            summary=(
                f"Batch norm averages over {counted(samples, 'sample')} only ({counted(seen.norm.values, 'value')} a"
                f" channel in layer {seen.norm.layer}{_signs(seen.norm.values)}): take larger batches, or layer"
                f" or group norm; {outcome_in_words(features, thresholds)}."
            ),
            blames=("batch_size", "normalization"),
        )

    def _of_compared(self, features: Features, loss: LossFacts, thresholds: Thresholds) -> Finding:
        """It does harm whatever the loss is: one other sample is easily told apart."""
        others = counted(loss.compared_samples - 1, "other one", "other ones")
        return self.finding(
            features,
            harm=True,
            confidence=_COMPARED_RIGHTLY,
            evidence=(Evidence("batch_size", float(loss.compared_samples), "samples", float(_FEWEST_COMPARED)),),
            summary=(
                f"{loss.name} compares the samples of a batch, and each has only {others} to be told from, which is"
                f" easy: take larger batches; {outcome_in_words(features, thresholds)}."
            ),
            blames=("batch_size",),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.BATCH

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (LARGER_BATCH, NORM_OF_EACH_SAMPLE, rate(0.1))


def _signs(values: int) -> str:
    return ", which training turns into -1 and 1 and evaluation does not" if values == _SIGNS else ""
