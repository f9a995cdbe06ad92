from collections.abc import Mapping, Sequence
from math import prod
from typing import ClassVar, Literal

from ...kernel.vocabulary import Severity
from ...measurements.profile import MIN_SITES
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import EVEN, Evidence, Finding
from ..outcome import NOTHING_LEARNED, enough, learned, learned_a_part_of_text, rest_may_be_noise
from ..phrase import NO_YARDSTICK, NOT_ENDED, counted, percent
from ..thresholds import Thresholds
from .base import Order, Rule
from .healthy import late_agreement

_SEEN = 0.5
"""With less than half of the trained weights in view, most of what can be wrong is out of view (a definition)."""


class InsufficientEvidence(Rule):
    """There is not enough to judge: too few steps, records or layers, or no loss to compare with."""

    condition: Literal["insufficient_evidence"] = "insufficient_evidence"
    source: ClassVar[str] = "gradclinic: say so, do not guess"
    uses: ClassVar[tuple[str, ...]] = ("min_steps", "min_records")
    usual_severity: ClassVar[Severity] = "info"
    finds_nothing_wrong: ClassVar[bool] = True
    labels: ClassVar[Mapping[str, str]] = {
        "steps_done": "steps trained",
        "finite_records": "recorded steps with a finite loss",
        "weights_seen": "weights of layers whose outputs were recorded",
        "likeliest": "confidence of the likeliest cause",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        reason = self._reason(features, record, thresholds)
        if reason is None:
            return None
        seen = _weights_seen(record)
        return self.finding(
            features,
            harm=False,
            severity="info",
            confidence=1.0,
            evidence=(
                Evidence("steps_done", float(features.steps_done), "steps", thresholds.min_steps),
                Evidence("finite_records", float(features.finite_records), "records", thresholds.min_records),
                *((Evidence("weights_seen", seen, "fraction", _SEEN),) if seen < _SEEN else ()),
            ),
            summary=f"There is not enough evidence for a diagnosis: {reason}.",
        )

    def between(self, possible: Sequence[Finding], features: Features) -> Finding:
        """What leads where no finding does: `possible` holds at least one, and none is more likely than not."""
        likeliest = max(possible, key=lambda finding: (finding.harm, finding.confidence))
        return self.finding(
            features,
            harm=False,
            severity="warning" if likeliest.harm else "info",
            confidence=1.0,
            evidence=(Evidence("likeliest", likeliest.confidence, "probability", EVEN),),
            summary=(
                "There is not enough evidence for a diagnosis: no cause is more likely than not. The likeliest,"
                f" {likeliest.condition.replace('_', ' ')}, is {percent(likeliest.confidence)} sure:"
                f" {likeliest.summary}"
            ),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NOT_KNOWN

    def _reason(self, features: Features, record: RunRecord, thresholds: Thresholds) -> str | None:
        if features.diverged:
            return None
        return _too_little(features, thresholds) or _of_loss(features, record, thresholds)


def _too_little(features: Features, thresholds: Thresholds) -> str | None:
    """The reason where too few steps were trained or recorded, or the last is not taken yet."""
    if not enough(features, thresholds):
        return (
            f"{counted(features.steps_done, 'step')} with"
            f" {counted(features.finite_records, 'recorded loss', 'recorded losses')}, where at least"
            f" {thresholds.min_steps:.0f} and {thresholds.min_records:.0f} are needed"
        )
    if not features.finished:
        return f"{NOT_ENDED}, and only then is it known whether the network learned"
    return None


def _free_of_error(record: RunRecord) -> str:
    """The reason where one output for all samples has a loss of 0; in torch's own losses, targets are equal then."""
    seen = record.preflight.loss if record.preflight is not None else None
    if seen is None or seen.takes != "unknown":
        return "always predicting the average already makes no error on this data, so there is nothing to learn"
    return f"{seen.name} can be 0 with one output for all samples, so it does not show whether the network learned"


def _of_loss(features: Features, record: RunRecord, thresholds: Thresholds) -> str | None:
    """The reason where the loss does not tell whether the network learned, or nothing was seen of why it did not."""
    loss = features.relative_train_loss
    if loss is None:
        return f"{NO_YARDSTICK}, so it is not known whether the network learned"
    if loss != loss:  # noqa: PLR0124  # NaN is the one number that differs from itself
        return _free_of_error(record)
    if learned(features, thresholds):
        return _of_swings(features, thresholds)
    return (
        _unseen(record)
        or _floor_unknown(loss, record)
        or _of_text(features, record, thresholds)
        or _of_noise(features, record, thresholds)
    )


def _of_swings(features: Features, thresholds: Thresholds) -> str | None:
    """The reason where a network ended low, but most of its last losses were not."""
    if late_agreement(features, thresholds) >= EVEN:
        return None
    return (
        f"the training loss ended at {percent(features.relative_train_loss or 0.0)} of that of always predicting the"
        f" average, but most losses of the last quarter are above {percent(thresholds.learned)}"
    )


def _of_text(features: Features, record: RunRecord, thresholds: Thresholds) -> str | None:
    """The reason where a language model learned a part of its text."""
    if not learned_a_part_of_text(features, record, thresholds):
        return None
    return (
        f"the training loss fell to {percent(features.relative_train_loss or 0.0)} of that of always predicting the"
        " average, and how far that of a language model can fall depends on the text"
    )


def _of_noise(features: Features, record: RunRecord, thresholds: Thresholds) -> str | None:
    """The reason where a part was learned of targets that may be mostly noise."""
    if not rest_may_be_noise(features, record, thresholds):
        return None
    return (
        f"the training loss fell to {percent(features.relative_train_loss or 0.0)} of that of always predicting the"
        " average, and the targets depend so weakly on the inputs that the rest may be noise; a larger network or a"
        " linear one shows whether it is"
    )


def _floor_unknown(loss: float, record: RunRecord) -> str | None:
    """The reason where a loss fell a part of the way to a floor that nobody knows, as that of a likelihood."""
    compared = record.preflight.loss if record.preflight is not None else None
    if compared is None or not floor_unknown(loss, record):
        return None
    return (
        f"the training loss fell to {percent(loss)} of that of always predicting the average, and how far"
        f" {compared.name} can fall is not known"
    )


def floor_unknown(loss: float, record: RunRecord) -> bool:
    """Whether a loss of the program's own fell a part of the way to a floor that nobody knows."""
    compared = record.preflight.loss if record.preflight is not None else None
    return compared is not None and compared.takes == "unknown" and not loss > NOTHING_LEARNED


def _unseen(record: RunRecord) -> str | None:
    seen = _weights_seen(record)
    if seen >= _SEEN:
        return None
    return (
        f"the network did not learn, and the outputs of layers that hold {percent(1.0 - seen)} of its weights were not"
        " recorded, so it is not known whether gradients reach them"
    )


def _weights_seen(record: RunRecord) -> float:
    """Fraction of the trained weights, without the readout's and tables, in layers or blocks whose outputs are sites.

    1 if so few layers are hidden that they have no gradient profile. If no name of a site is that of a layer, each
    site counts as one layer's.
    """
    hidden = [each for each in record.weights if each.trainable and not each.readout and not each.is_looked_up]
    if len(hidden) < MIN_SITES:
        return 1.0
    places = {name for site in record.sites for name in (site.name, site.group) if name}
    seen = [weight for weight in hidden if any(_holds(place, weight.name) for place in places)]
    if not seen:
        return min(1.0, len(record.sites) / len(hidden))
    seen_values, values = (sum(prod(weight.shape) for weight in part) for part in (seen, hidden))
    return seen_values / values


def _holds(place: str, weight: str) -> bool:
    """Whether a layer or block is that of the weight, or holds it."""
    return weight == place or weight.startswith(f"{place}.")
