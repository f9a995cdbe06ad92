from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import CLIPPING, WARMUP, XAVIER, rate
from ...remedies.network import Network
from ..confidence import agreement
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import listed, outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class CollapsedAttention(Rule):
    """All heads of an attention look at single keys, with logits far larger than that takes."""

    condition: Literal["collapsed_attention"] = "collapsed_attention"
    source: ClassVar[str] = "Zhai et al. 2023, Preventing attention entropy collapse, arXiv:2303.06296"
    uses: ClassVar[tuple[str, ...]] = ("attention_entropy", "attention_logit", "learned")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("learning_rate", "schedule", "architecture")
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {"attention_entropy": "lowest entropy of an attention / largest possible"}

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        entropy, logits = record.get("attention_entropy"), record.get("attention_logit_max")
        steps, rows, others = np.intersect1d(entropy.steps, logits.steps, return_indices=True)
        if not len(steps) or not entropy.values.size:
            return None
        entropies = entropy.values[rows]
        met: np.ndarray = logits.values[others] >= thresholds.attention_logit
        met[~(entropies <= thresholds.attention_entropy)] = False  # also where it is NaN
        when = np.array([row.any() for row in met])
        if not when.any():
            return None
        first = int(np.argmax(when))
        layers = tuple(site.name for site, column in zip(record.sites, met.T, strict=True) if column.any())
        lowest = float(entropies[met].min())
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=agreement(when[first:].astype(float)),
            layers=layers,
            span=(int(steps[first]), max(int(steps[first]), features.steps_done - 1)),
            evidence=(Evidence("attention_entropy", lowest, "fraction", thresholds.attention_entropy),),
            summary=(
                f"{_when(int(steps[first]))}, nearly all queries of {listed(layers)} look at a single key (their"
                f" entropy is down to {percent(lowest)} of the largest possible), because the logits are too large:"
                f" lower the learning rate, or normalize queries and keys; {outcome_in_words(features, thresholds)}."
            ),
            blames=("initialization", "architecture") if first == 0 else None,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SATURATED

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if finding.blames[0] == "initialization":
            return (XAVIER, rate(0.1))
        return (rate(0.1), WARMUP, CLIPPING)


def _when(step: int) -> str:
    return "From the start" if step == 0 else f"From step {step} on"
