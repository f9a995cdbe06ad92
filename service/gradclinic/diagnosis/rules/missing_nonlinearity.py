from typing import ClassVar, Literal

from ...measurements.record import RunRecord
from ..features import Features
from ..finding import Evidence, Finding
from ..thresholds import Thresholds
from .base import Rule, counted, failed, outcome_in_words


class MissingNonlinearity(Rule):
    """No activation stands between the layers, so that all of them together are one linear layer."""

    condition: Literal["missing_nonlinearity"] = "missing_nonlinearity"
    source: ClassVar[str] = "definition: a product of matrices is a matrix"
    uses: ClassVar[tuple[str, ...]] = ("learned",)

    def judge(self, features: Features, record: RunRecord, thresholds: Thresholds) -> Finding | None:
        if record.preflight is None:
            return None
        hidden = [site for site in record.sites if site.kind == "pre_activation"]
        if not hidden or len(hidden) < len(record.sites) or any(site.activation != "identity" for site in hidden):
            return None
        return self.finding(
            features,
            harm=failed(features, thresholds),
            confidence=0.8,
            layers=tuple(site.name for site in hidden),
            evidence=(Evidence("hidden_layers_without_activation", float(len(hidden)), "layers", 0.0),),
            summary=(
                f"No activation follows the {counted(len(hidden), 'hidden layer')}, so the whole network is linear: add"
                f" one, for example ReLU; {outcome_in_words(features, thresholds)}."
            ),
            blames=("hidden_activation", "architecture"),
        )

    def precedence(self, features: Features, thresholds: Thresholds) -> int:
        return 8
