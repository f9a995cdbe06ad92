"""The rows of a study's table: the baseline and each arm, with what it changes and what it reached."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from statistics import fmean, geometric_mean
from typing import Any

from ..comparison import METRICS, ArmComparison, Comparison, Metric, RunResult, in_one_unit, of_one_loss
from ..kernel.json import JsonObject
from . import filters

MOST_CHANGES = 3
"""Changed fields that a row names; the documents of the study have the others."""
SHOWN = ("final_validation_accuracy", "depth_slope")
"""The metrics that the table has besides the one that decides."""


@dataclass(frozen=True)
class Reached:
    """A metric over the finished runs of an arm."""

    mean: float | None
    """Mean of the finite values (geometric on a log scale); None if there are none."""
    not_finite: int
    """Runs whose value is not finite."""


@dataclass(frozen=True, kw_only=True)
class ArmRow:
    """An arm, or the baseline."""

    arm: str
    changes: str
    """What it changes of the baseline, in words."""
    compared: ArmComparison | None
    """None for the baseline."""
    runs: int
    """Its runs, whether they have ended or not."""
    finished: int
    conditions: Mapping[str, int]
    """Finished runs by primary condition, the most frequent first."""
    reached: Mapping[str, Reached]
    """By metric: the one that decides, and those of SHOWN."""


def arm_rows(arms: Sequence[JsonObject], comparison: Comparison, results: Sequence[RunResult]) -> list[ArmRow]:
    """The baseline first, then the arms by rank. `results` are those of all arms, as the comparison takes them."""
    reference = [run for run in results if run.arm == comparison.baseline]
    by_arm: dict[str, list[RunResult]] = {}
    for run in of_one_loss(in_one_unit(results), reference=reference):
        by_arm.setdefault(run.arm, []).append(run)
    declared = {str(arm["name"]): arm for arm in arms}
    compared: list[ArmComparison | None] = [None, *comparison.arms]
    return [
        _row(name, each, declared.get(name, {}), by_arm.get(name, []), comparison.metric)
        for each, name in ((each, comparison.baseline if each is None else each.arm) for each in compared)
    ]


def _row(name: str, compared: ArmComparison | None, arm: JsonObject, runs: Sequence[RunResult], metric: str) -> ArmRow:
    ended = [run for run in runs if run.succeeded]
    return ArmRow(
        arm=name,
        changes=changes_in_words(arm),
        compared=compared,
        runs=len(runs),
        finished=len(ended),
        conditions=dict(Counter(run.primary for run in ended).most_common()),
        reached={each: _reached(METRICS[each], ended) for each in (metric, *SHOWN)},
    )


def _reached(metric: Metric, runs: Sequence[RunResult]) -> Reached:
    values = [value for run in runs if (value := run.metric(metric.name)) is not None]
    finite = [value for value in values if isfinite(value)]
    if not finite:
        return Reached(None, len(values))
    mean = geometric_mean(max(value, metric.floor) for value in finite) if metric.log else fmean(finite)
    return Reached(mean, len(values) - len(finite))


def changes_in_words(arm: JsonObject) -> str:
    """What an arm of a study changes: its remedies, or the fields in which its experiment differs."""
    if arm.get("remedies"):
        return filters.remedies(arm["remedies"])
    patch = arm.get("patch") or []
    if not patch:
        return "no change"
    more = len(patch) - MOST_CHANGES
    return ", ".join(map(_change, patch[:MOST_CHANGES])) + (f" and {more} more fields" if more > 0 else "")


def _change(change: JsonObject) -> str:
    where = filters.field(str(change["path"]))
    return f"no {where}" if change["op"] == "remove" else f"{where} {_brief(change.get('value'))}"


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return next((str(value[tag]) for tag in ("kind", "name", "scheme") if tag in value), "changed")
    return "changed" if isinstance(value, list) else "none" if value is None else filters.number(value)
