"""Everything that a request can name: each entry with its JSON schema, one line of help, and its source."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from ..diagnosis import Thresholds
from ..diagnosis.rules import RULES
from ..experiments.activations import ACTIVATIONS
from ..experiments.clipping import CLIPPINGS
from ..experiments.datasets import DATASETS
from ..experiments.initializations import INITIALIZATIONS
from ..experiments.layers import LAYERS
from ..experiments.lr_schedules import LR_SCHEDULES
from ..experiments.optimizers import OPTIMIZERS
from ..experiments.presets import PRESETS
from ..kernel.spec import first_line
from ..measurements.record import STATISTICS
from ..remedies import REMEDIES

SECTIONS: Mapping[str, Mapping[str, type[BaseModel]]] = {
    "models": PRESETS,
    "layers": LAYERS,
    "activations": ACTIVATIONS,
    "initializations": INITIALIZATIONS,
    "remedies": REMEDIES,
    "data": DATASETS,
    "optimizers": OPTIMIZERS,
    "schedules": LR_SCHEDULES,
    "clippings": CLIPPINGS,
}
"""The registries, by the catalogue's name for them."""


@lru_cache(maxsize=1)
def catalogue() -> dict[str, list[dict[str, Any]]]:
    """Every section with its entries; remedies in the order of common advice, the six that it names first."""
    sections = {section: [_entry(name, cls) for name, cls in members.items()] for section, members in SECTIONS.items()}
    return {**sections, "statistics": _statistics(), "rules": _rules()}


def _entry(name: str, cls: type[BaseModel]) -> dict[str, Any]:
    entry = {
        "kind": name,
        "help": first_line(cls),
        "source": getattr(cls, "source", ""),
        "schema": cls.model_json_schema(),
    }
    if hasattr(cls, "rank"):
        entry["rank"] = cls.rank
    return entry


def _statistics() -> list[dict[str, Any]]:
    shapes = {"site": "[steps, sites]", "weight": "[steps, weighted layers]", "run": "[steps]"}
    return [
        {
            "kind": statistic.name,
            "help": statistic.help,
            "source": "gradclinic.measurements.record",
            "schema": {"type": "number"},
            "per": statistic.per,
            "unit": statistic.unit,
            "shape": shapes[statistic.per],
            "recorded": "every recording.full_every steps" if statistic.full else "every recording.every steps",
        }
        for statistic in STATISTICS.values()
    ]


def _rules() -> list[dict[str, Any]]:
    """One entry for each rule of the diagnosis, with the thresholds that it holds numbers against."""
    thresholds = {each["name"]: each for each in Thresholds.listing()}
    schema = Thresholds.model_json_schema()
    return [
        {
            "kind": name,
            "help": first_line(type(rule)),
            "source": rule.source,
            "schema": {**schema, "properties": {each: schema["properties"][each] for each in rule.uses}},
            "thresholds": [thresholds[each] for each in rule.uses],
        }
        for name, rule in RULES.items()
    ]
