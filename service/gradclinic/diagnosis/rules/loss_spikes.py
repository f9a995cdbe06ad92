from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame, Severity
from ...measurements.record import RunRecord
from ...measurements.spike import Spike
from ...remedies import Remedy
from ...remedies.against import CLIPPING, WARMUP, rate
from ...remedies.network import Network
from ..features import Features
from ..finding import Evidence, Finding
from ..outcome import blown_up
from ..phrase import counted, listed, outcome_in_words, percent
from ..thresholds import Thresholds
from .base import Order, Rule


class LossSpikes(Rule):
    """Single batches had a loss far above those before them; where a few of their samples carried it, it says which."""

    condition: Literal["loss_spikes"] = "loss_spikes"
    source: ClassVar[str] = (
        "Tukey 1977, Exploratory Data Analysis, section 2D; of language models, Chowdhery et al. 2022,"
        " arXiv:2204.02311, section 5.1"
    )
    uses: ClassVar[tuple[str, ...]] = ("spike", "learned", "blown_up")
    usual_blames: ClassVar[tuple[Blame, ...]] = ("learning_rate", "clipping", "data")
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "spike_rise": "largest spike relative to always predicting the average",
        "spike_carried": "part of it in the rows named",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        found = _large(record, least=thresholds.spike)
        if not found or blown_up(features, thresholds):
            return None
        worst = max(found, key=lambda each: each.loss - each.usual)
        evidence = [
            Evidence("spikes", float(len(found)), "steps"),
            Evidence("spike_rise", _rise(worst, record), "ratio", thresholds.spike),
        ]
        if worst.carried is not None:
            evidence.append(Evidence("spike_carried", worst.carried, "fraction"))
        return self.finding(
            features,
            harm=False,
            confidence=_RIGHTLY,
            span=(found[0].step, found[-1].step),
            evidence=tuple(evidence),
            summary=_summary(features, thresholds, found, worst),
            blames=("data", "labels", "clipping") if _is_of_few(worst) else None,
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.SWINGS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        return (CLIPPING,) if finding.blames[0] == "data" else (CLIPPING, rate(0.1), WARMUP)


_RIGHTLY = 0.96
"""By the rule of succession: in 24 small trainings with two broken samples in one batch, 23 of 23 findings named that
step, and of the rows only broken ones."""
_FEW = 0.125
"""Fraction of a batch up to which the samples are to blame, and not the step before it, which concerns all."""


def _large(record: RunRecord, *, least: float) -> list[Spike]:
    spikes = record.outcome.spikes if record.outcome is not None else ()
    return [each for each in spikes if _rise(each, record) >= least]


def _rise(spike: Spike, record: RunRecord) -> float:
    """By how much the loss was above the usual one, relative to always predicting the average, or else to the start."""
    outcome = record.outcome
    if outcome is None:
        return 0.0
    compared = record.preflight.loss if record.preflight is not None else None
    factor = compared.factor if compared is not None else None
    yardstick = outcome.constant_loss or outcome.initial_train_loss
    return (spike.loss - spike.usual) / (factor or 1.0) / yardstick if yardstick > 0 else 0.0


def _is_of_few(spike: Spike) -> bool:
    return bool(spike.rows) and spike.batch_rows is not None and len(spike.rows) <= max(1, _FEW * spike.batch_rows)


def _summary(features: Features, thresholds: Thresholds, found: Sequence[Spike], worst: Spike) -> str:
    which = "at" if len(found) == 1 else f"in {counted(len(found), 'step')}, most at"
    where = ""
    if _is_of_few(worst):
        rows = listed(tuple(str(row) for row in sorted(worst.rows)))
        what = "row" if len(worst.rows) == 1 else "rows"
        share = percent(worst.carried or 0.0)
        where = f"; {what} {rows} of its {worst.batch_rows} carried {share} of that, so look there"
    elif worst.rows:
        where = f"; it was spread over the {worst.batch_rows} rows of the batch, so the step before was too large"
    return (
        f"The loss jumped {which} step {worst.step}, from {worst.usual:.3g} to {worst.loss:.3g}{where};"
        f" {outcome_in_words(features, thresholds)}."
    )
