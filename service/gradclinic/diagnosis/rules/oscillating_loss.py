from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame, Severity
from ...measurements.losses import Swings
from ...measurements.record import RunRecord
from ...remedies import Remedy
from ...remedies.against import CLIPPING, WARMUP, rate, smaller_steps
from ...remedies.network import Network
from ..confidence import above
from ..features import Features
from ..finding import Evidence, Finding
from ..momentum import blamed_first, in_words
from ..outcome import blown_up, enough, learned, needed_rise, swinging
from ..phrase import against_constant, loss_evidence, outcome_in_words, percent
from ..slope import near_slope_evidence, near_slope_in_words
from ..thresholds import Thresholds
from .base import Order, Rule


class OscillatingLoss(Rule):
    """The loss of a fixed batch goes up and down by more than it improves: the steps overshoot the minimum."""

    condition: Literal["oscillating_loss"] = "oscillating_loss"
    usual_blames: ClassVar[tuple[Blame, ...]] = ("learning_rate", "batch_size", "schedule")
    source: ClassVar[str] = (
        "gradclinic; edge of stability: Cohen et al. 2021, arXiv:2103.00065; large learning rates: Smith 2018, "
        "arXiv:1803.09820"
    )
    uses: ClassVar[tuple[str, ...]] = (
        "rise",
        "rise_share_learned",
        "rise_sum_learned",
        "min_rises",
        "rise_share",
        "rise_to_net",
        "large_update",
        "depth_slope",
        "saturated_mean",
        "learned",
    )
    may_stop: ClassVar[bool] = True
    usual_severity: ClassVar[Severity] = "warning"
    labels: ClassVar[Mapping[str, str]] = {
        "rise_share": "fraction of probes at which the loss rose",
        "rises": "probes at which the loss rose",
        "total_rise": "all rises relative to always predicting the average",
        "net_change": "net fall relative to always predicting the average",
        "highest_late_loss": "highest late loss relative to always predicting the average",
    }

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        if not features.finished or blown_up(features, thresholds) or not enough(features, thresholds):
            return None
        is_learned = learned(features, thresholds)
        swings = features.swings(skip=0.5 if is_learned else 0.25, rise=thresholds.rise)
        if swings is None or not swinging(swings, thresholds, is_learned=is_learned):
            return None
        least = thresholds.rise_share_learned if is_learned else thresholds.rise_share
        error = (swings.share * (1.0 - swings.share) / swings.intervals) ** 0.5
        peak = _peak(features) if is_learned else None
        harm = peak is None or _peaks(features, thresholds) >= _TWICE
        evidence = [
            Evidence("rise_share", swings.share, "fraction", least),
            Evidence("rises", float(swings.rises), "rises", None if is_learned else thresholds.min_rises),
            Evidence("total_rise", swings.total_rise, "ratio", needed_rise(swings, thresholds, is_learned=is_learned)),
            Evidence("net_change", swings.net_change, "ratio"),
        ]
        if peak is not None:
            evidence.append(Evidence("highest_late_loss", peak, "ratio", thresholds.learned))
        if features.total_update is not None:
            evidence.append(Evidence("total_update", features.total_update, "weights", thresholds.large_update))
        return self.finding(
            features,
            harm=harm,
            severity="warning" if is_learned else "critical",
            confidence=0.99 * above(swings.share, least, error=error),
            span=(swings.steps[0], swings.steps[-1]),
            evidence=(
                *evidence,
                *loss_evidence(features, thresholds),
                *(() if is_learned else near_slope_evidence(features, thresholds)),
            ),
            summary=_summary(features, thresholds, swings, peak=peak, harm=harm) + (in_words(record) if harm else ""),
            blames=blamed_first(self.usual_blames, record),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        if learned(features, thresholds):
            return Order.SWINGS_THOUGH_LEARNED
        if under_large_steps(features, thresholds):
            return Order.SWINGS_UNDER_LARGE_STEPS
        return Order.SWINGS

    def remedies(self, finding: Finding, network: Network) -> Sequence[Remedy]:
        if network.recurrent:
            return (rate(0.1), CLIPPING, WARMUP)
        return (rate(0.1), rate(0.02), CLIPPING, WARMUP)

    def combinations(self, network: Network) -> Sequence[Sequence[Remedy]]:
        return smaller_steps()


def under_large_steps(features: Features, thresholds: Thresholds) -> bool:
    """Whether the swings can be the steps' own doing, rather than an effect of what was wrong from the start."""
    start, saturated = features.depth_slope_start, features.saturated_start_mean
    return (
        features.total_update is not None
        and features.total_update > thresholds.large_update
        and not (start is not None and start <= -thresholds.depth_slope)
        and not (saturated is not None and saturated >= thresholds.saturated_mean)
    )


_TWICE = 2
"""Late probes at which a network that learned has not, from which swings do harm: one is a single spike."""


def _peaks(features: Features, thresholds: Thresholds) -> int:
    """Number of probes of the second half at which the loss is above the threshold of having learned."""
    return int((features.probe_loss[features.probe_steps >= 0.5 * features.steps_done] > thresholds.learned).sum())


def _peak(features: Features) -> float:
    """The highest probe loss of the second half, relative to always predicting the average."""
    return float(features.probe_loss[features.probe_steps >= 0.5 * features.steps_done].max())


def _summary(features: Features, thresholds: Thresholds, swings: Swings, *, peak: float | None, harm: bool) -> str:
    """Swings do harm to a network that learned where it has not learned at their peaks: where it ends is luck."""
    loss = features.relative_train_loss or 0.0
    if peak is not None and harm:
        end = f"it learned (down to {against_constant(loss)}), but at its peaks ({percent(peak)}) it has not, so the"
        end += " final loss depends on when training stops"
    elif peak is not None:
        end = f"the network learned anyway (its training loss fell to {against_constant(loss)}, at peaks"
        end += f" {percent(peak)})"
    else:
        end = outcome_in_words(features, thresholds) + near_slope_in_words(features, thresholds)
    advice = ", so lower the learning rate" if harm else ""
    net = f"{abs(swings.net_change):.2g} times that {'below' if swings.net_change >= 0 else 'above'} its start"
    return (
        f"The loss swings up and down{advice}: it rose in {swings.rises} of {swings.intervals} intervals between"
        f" probes. All rises together are {swings.total_rise:.2g} times the loss of always predicting the average, but"
        f" it ended only {net}; {end}."
    )
