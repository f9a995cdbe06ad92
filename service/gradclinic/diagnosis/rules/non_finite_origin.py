from collections.abc import Mapping
from typing import ClassVar, Literal

from ...kernel.vocabulary import Blame
from ...measurements.origin import NonFiniteOrigin
from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds
from .base import Order, Rule, counted, named, overflows_float16, starts_too_large
from .divergence import onset_of_blow_up

_DATA = ("inputs", "targets")
_NETWORK = ("forward", "backward")
_BLAMES: Mapping[str, tuple[Blame, ...]] = {
    "inputs": ("data",),
    "targets": ("labels", "data"),
    "loss": ("loss", "output_activation"),
    "loss_backward": ("loss",),
    "forward": ("architecture", "precision"),
    "backward": ("architecture", "precision"),
}


class NonFiniteOriginRule(Rule):
    """The first NaN or infinity came from the data, the loss or one layer, and not from steps that were too large."""

    condition: Literal["non_finite_origin"] = "non_finite_origin"
    source: ClassVar[str] = "definition: the first place that makes NaN or infinity of finite numbers"
    uses: ClassVar[tuple[str, ...]] = ()
    labels: ClassVar[Mapping[str, str]] = {"broken_rows": "rows of the batch with NaN or infinity"}

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        found = record.outcome.nonfinite_origin if record.outcome is not None else None
        if found is None or found.where == "weights":
            return None
        if found.where in _NETWORK and overflows_float16(features, record):
            return None  # finite in any wider format, so the precision is at fault
        if found.where in _NETWORK and starts_too_large(record):
            return None  # the initial weights enlarge the signal until it overflows
        compared = record.preflight.loss if record.preflight is not None else None
        if found.where == "loss" and compared is not None and compared.takes == "numbers":
            return None  # a difference that overflows: outputs or targets are too large, which other rules say
        grown = features.nonfinite_step is not None and onset_of_blow_up(features, record) < features.nonfinite_step
        if grown and found.where not in _DATA:
            return None  # the loss ran up before: the steps were too large, and this is where it overflowed
        return self.finding(
            features,
            harm=True,
            confidence=0.95,
            layers=(found.module,) if found.module else (),
            span=(found.step, found.step),
            evidence=(
                Evidence("nonfinite_step", float(found.step), "step"),
                Evidence("broken_rows", float(len(found.rows)), "rows", 0.0),
            ),
            summary=_summary(found, record),
            blames=_BLAMES[found.where],
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return Order.NON_FINITE_ORIGIN


def _summary(found: NonFiniteOrigin, record: RunRecord) -> str:
    rows = f" ({_rows(found)} of the batch)" if found.rows else ""
    at = f" of {named(found.module, record)}" if found.module else ""
    said = {
        "inputs": f"The inputs hold NaN or infinity{rows}: remove or repair those rows",
        "targets": f"The targets hold NaN or infinity{rows}: remove or repair those rows",
        "loss": "The loss is not finite although the outputs are, for example the log of 0: add a small constant, or"
        " use a loss that takes logits",
        "loss_backward": f"The loss is finite, and its gradient is not{rows}, for example a square root at 0: add a"
        " small constant under the root",
        "forward": f"The forward pass{at} makes NaN or infinity of finite numbers{rows}",
        "backward": f"The gradient{at} is not finite although that of the outputs is",
    }[found.where]
    return f"{said}. It first happened at step {found.step}, and no step was too large before."


def _rows(found: NonFiniteOrigin) -> str:
    named = ", ".join(map(str, found.rows))
    if len(found.rows) == 1:
        return f"row {named}"
    return f"rows {named}" if len(found.rows) <= 3 else counted(len(found.rows), "row")
