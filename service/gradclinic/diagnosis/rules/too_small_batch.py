from collections.abc import Sequence
from typing import ClassVar, Literal

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


class TooSmallBatch(Rule):
    """Batch norm averages over so few values that its noise hides the signal."""

    condition: Literal["too_small_batch"] = "too_small_batch"
    source: ClassVar[str] = "Wu and He 2018, Group Normalization, arXiv:1803.08494; sqrt(2/(n - 1))"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        seen = record.preflight
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
                f" channel in {seen.norm.layer}{_signs(seen.norm.values)}): take larger batches, or layer or group"
                f" norm; {outcome_in_words(features, thresholds)}."
            ),
            blames=("batch_size", "normalization"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.BATCH

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (LARGER_BATCH, NORM_OF_EACH_SAMPLE, rate(0.1))


def _signs(values: int) -> str:
    return ", of which it makes -1 and 1 in training and not in evaluation" if values == _SIGNS else ""
