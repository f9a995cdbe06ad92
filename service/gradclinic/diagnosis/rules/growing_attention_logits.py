from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np

from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord, Series
from ...remedies import Remedy
from ...remedies.against import CLIPPING, WARMUP, XAVIER, rate
from ...remedies.network import Network
from ..confidence import share_above
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import failed
from ..phrase import listed, outcome_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class GrowingAttentionLogits(Rule):
    """The logits of an attention are so large that its softmax selects one key, and hardly passes a gradient."""

    condition: Literal["growing_attention_logits"] = "growing_attention_logits"
    source: ClassVar[str] = (
        "Dehghani et al. 2023, arXiv:2302.05442, section 2; Wortsman et al. 2023, arXiv:2309.14322, section 3.1"
    )
    uses: ClassVar[tuple[str, ...]] = ("attention_logit", "learned")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("learning_rate", "schedule", "architecture")
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "attention_logit_max": "largest attention logit",
        "attention_logit_start": "largest attention logit, before the first step",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        logits = record.get("attention_logit_max")
        largest = largest_logits(logits)
        met = largest >= thresholds.attention_logit
        if not met.any():
            return None
        first = int(np.argmax(met))
        from_start = first == 0
        layers = tuple(
            site.name
            for site, column in zip(record.sites, logits.values.T, strict=True)
            if (column >= thresholds.attention_logit).any()
        )
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=share_above(largest[first:], thresholds.attention_logit),
            layers=layers,
            span=(int(logits.steps[first]), max(int(logits.steps[first]), features.steps_done - 1)),
            evidence=(
                Evidence("attention_logit_max", float(np.nanmax(largest)), "logit", thresholds.attention_logit),
                Evidence("attention_logit_start", float(largest[0]), "logit"),
            ),
            summary=_summary(features, thresholds, logits, first=first, layers=layers),
            blames=("initialization", "architecture") if from_start else None,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SATURATED

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if finding.blames[0] == "initialization":
            return (XAVIER, rate(0.1))
        return (rate(0.1), WARMUP, CLIPPING)


def largest_logits(logits: Series) -> np.ndarray:
    """[n]: the largest logit over all attentions of each record; NaN if none was measured."""
    values = logits.values.astype(np.float64)
    if not values.size:
        return np.full(len(values), np.nan)
    known = np.where(np.isnan(values), -np.inf, values).max(axis=1)
    return np.where(known == -np.inf, np.nan, known)


def _summary(features: Features, thresholds: Thresholds, logits: Series, *, first: int, layers: tuple[str, ...]) -> str:
    largest = largest_logits(logits)
    where = f"the attention logits of {listed(layers)}"
    outcome = outcome_in_words(features, thresholds)
    if first == 0:
        return (
            f"From the start, {where} are up to {largest[0]:.3g}: check that products are divided by the root of the"
            f" width of a head, or make the weights of queries and keys smaller; {outcome}."
        )
    return (
        f"{where[0].upper()}{where[1:]} grew from {largest[0]:.3g} to {np.nanmax(largest):.3g}, and are too large from"
        f" step {int(logits.steps[first])} on: lower the learning rate, or normalize queries and keys; {outcome}."
    )
