"""Everything that requests can use by name: each entry has a JSON schema, a line of help, and a source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydantic import BaseModel

from ..diagnosis import Thresholds
from ..diagnosis.rules import RULES
from ..experiments.activations import ACTIVATIONS
from ..experiments.clipping import CLIPPINGS
from ..experiments.datasets import DATASETS
from ..experiments.initializations import INITIALIZATIONS
from ..experiments.layers import LAYERS
from ..experiments.losses import LOSSES
from ..experiments.lr_schedules import LR_SCHEDULES
from ..experiments.optimizers import OPTIMIZERS
from ..experiments.output_activations import OUTPUT_ACTIVATIONS
from ..experiments.presets import PRESETS
from ..kernel.json import JsonObject
from ..kernel.spec import first_line
from ..measurements.statistics import STATISTICS
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
    "losses": LOSSES,
    "output_activations": OUTPUT_ACTIVATIONS,
}
"""The registries, by section of the catalogue."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that requests can use by name."""

    kind: str
    help: str
    source: str
    schema: JsonObject


@dataclass(frozen=True, kw_only=True)
class RemedyEntry(Entry):
    """A remedy, with its rank in common advice."""

    rank: int | None


@dataclass(frozen=True, kw_only=True)
class StatisticEntry(Entry):
    """A statistic, with how it is recorded."""

    per: str
    unit: str
    shape: str
    recorded: str


@dataclass(frozen=True, kw_only=True)
class RuleEntry(Entry):
    """A diagnosis rule, with the thresholds that it uses."""

    thresholds: Sequence[JsonObject]


@lru_cache(maxsize=1)
def catalogue() -> Mapping[str, Sequence[Entry]]:
    """Every section with its entries; remedies in the order of common advice, the six that it names first."""
    sections = {section: [_entry(name, cls) for name, cls in members.items()] for section, members in SECTIONS.items()}
    remedies = [
        RemedyEntry(**vars(entry), rank=cls.rank)
        for entry, cls in zip(sections["remedies"], REMEDIES.values(), strict=True)
    ]
    return {**sections, "remedies": remedies, "statistics": _statistics(), "rules": _rules()}


def _entry(name: str, cls: type[BaseModel]) -> Entry:
    return Entry(kind=name, help=first_line(cls), source=getattr(cls, "source", ""), schema=cls.model_json_schema())


def _statistics() -> list[StatisticEntry]:
    shapes = {"site": "[steps, sites]", "weight": "[steps, weighted layers]", "run": "[steps]"}
    return [
        StatisticEntry(
            kind=statistic.name,
            help=statistic.help,
            source="gradclinic.measurements.statistics",
            schema={"type": "number"},
            per=statistic.per,
            unit=statistic.unit,
            shape=shapes[statistic.per],
            recorded=f"every recording.{'full_every' if statistic.full else statistic.interval} steps",
        )
        for statistic in STATISTICS.values()
    ]


def _rules() -> list[RuleEntry]:
    thresholds = {each["name"]: each for each in Thresholds.listing()}
    schema = Thresholds.model_json_schema()
    return [
        RuleEntry(
            kind=name,
            help=first_line(type(rule)),
            source=rule.source,
            schema={**schema, "properties": {each: schema["properties"][each] for each in rule.uses}},
            thresholds=[thresholds[each] for each in rule.uses],
        )
        for name, rule in RULES.items()
    ]
