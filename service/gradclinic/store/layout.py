"""The parts of a run's record that are stored as JSON: its layout, and its outcome."""

from dataclasses import asdict, fields
from typing import Any, TypeVar

from ..measurements.record import Outcome, RunRecord, SiteInfo, WeightInfo

Fact = TypeVar("Fact", SiteInfo, WeightInfo, Outcome)

_FLOATS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


def layout_to_json(record: RunRecord) -> dict[str, Any]:
    """Everything of a record but its series, outcome and environment."""
    return {
        "steps": record.steps,
        "batch_size": record.batch_size,
        "sites": [asdict(site) for site in record.sites],
        "weights": [asdict(weight) for weight in record.weights],
        "clipping": None if record.clipping is None else dict(record.clipping),
    }


def sites_of(layout: dict[str, Any]) -> tuple[SiteInfo, ...]:
    """The sites of a stored layout."""
    return tuple(_fact(SiteInfo, site) for site in layout["sites"])


def weights_of(layout: dict[str, Any]) -> tuple[WeightInfo, ...]:
    """The weighted layers of a stored layout."""
    return tuple(_fact(WeightInfo, weight | {"shape": tuple(weight["shape"])}) for weight in layout["weights"])


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as it is stored."""
    return asdict(outcome)


def outcome_from_json(stored: dict[str, Any]) -> Outcome:
    """The outcome that was stored."""
    return _fact(Outcome, {key: _FLOATS.get(value, value) for key, value in stored.items()})


def _fact(cls: type[Fact], stored: dict[str, Any]) -> Fact:
    # Facts outlive the code that wrote them: a field that is gone is left out, a new one takes its default.
    known = {field.name for field in fields(cls)}
    return cls(**{key: value for key, value in stored.items() if key in known})
