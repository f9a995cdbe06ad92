"""The arms of a comparison as a table, best first."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ..kernel.vocabulary import metric_in_words
from ..schemas.comparison import ArmAnswer, ComparisonAnswer, EffectAnswer, RatioEffectAnswer
from .numbers import factor, short

VERDICT_STYLES: Mapping[str, str] = {
    "cures": "bold green",
    "improves": "cyan",
    "no_effect": "yellow",
    "inconclusive": "magenta",
    "harms": "bold red",
}


NARROWEST_ARM = 10
"""Characters of the column with the names of the arms, which wrap."""
_DROPPED_BELOW: Mapping[str, int] = {"time": 100, "accuracy": 92, "runs": 84}
"""Columns that are left out on terminals with fewer characters."""


MOST_CONDITIONS = 1
"""Conditions that a row names: the most frequent. More would leave no room for the name of the arm."""


@dataclass(frozen=True)
class Ranking:
    """The table with an explanation; it has fewer columns on a narrow terminal."""

    comparison: ComparisonAnswer

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        comparison = self.comparison
        metric = comparison.metric
        title = _SHORT.get(metric, metric_in_words(metric))
        names = ("#", "arm", "verdict", "runs", title, "effect [interval]", "accuracy", "D", "time")
        kept = [index for index, name in enumerate(names) if options.max_width >= _DROPPED_BELOW.get(name, 0)]
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
        for index in kept:
            words = names[index] in {"arm", "verdict", "runs"}
            table.add_column(
                names[index],
                justify="left" if words else "right",
                no_wrap=names[index] != "arm",
                min_width=NARROWEST_ARM if names[index] == "arm" else None,
                overflow="fold",
            )
        rows = [_baseline_cells(comparison, metric), *(_arm_cells(arm, metric) for arm in comparison.arms)]
        for number_, row in enumerate(rows):
            table.add_row(*(row[index] for index in kept), end_section=number_ == 0)
        yield table
        for note in comparison.notes:
            yield Text(note)
        yield Text(_reading(comparison), style="dim")


def _baseline_cells(comparison: ComparisonAnswer, metric: str) -> list[Text | str]:
    return [
        "",
        comparison.baseline,
        "",
        _conditions(comparison.baseline_conditions),
        _baseline_mean(comparison, metric),
        "",
        _baseline_mean(comparison, "final_validation_accuracy"),
        _baseline_mean(comparison, "depth_slope", digits=2),
        "",
    ]


def _arm_cells(arm: ArmAnswer, metric: str) -> list[Text | str]:
    return [
        str(arm.rank),
        arm.arm,
        Text(arm.verdict.replace("_", " "), style=VERDICT_STYLES.get(arm.verdict, "")),
        _conditions(arm.conditions),
        _arm_mean(arm, metric),
        effect(arm.effects.get(metric)),
        _arm_mean(arm, "final_validation_accuracy"),
        _arm_mean(arm, "depth_slope", digits=2),
        _times(arm.cost.train_seconds_ratio),
    ]


def ranking_text(comparison: ComparisonAnswer, *, width: int = 110) -> str:
    """The table as plain text."""
    console = Console(file=io.StringIO(), width=width, no_color=True, highlight=False, markup=False, emoji=False)
    with console.capture() as capture:
        console.print(Ranking(comparison))
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


_SHORT: Mapping[str, str] = {
    "final_validation_loss": "val. loss",
    "final_train_loss": "train loss",
    "relative_train_loss": "rel. loss",
    "final_validation_accuracy": "accuracy",
    "steps_to_target": "steps",
}


def effect(found: EffectAnswer | None) -> str:
    """An effect with its interval: a factor on a logarithmic scale, otherwise a difference."""
    if found is None:
        return "-"
    if found.difference is None:
        return f"better in {found.wins} of {found.pairs}"
    if isinstance(found, RatioEffectAnswer) and found.ratio is not None:
        middle, bounds = f"x{factor(found.ratio)}", found.ratio_interval
        low, high = (factor(bound) for bound in bounds) if bounds else ("", "")
    else:
        middle, bounds = f"{found.difference:+.2g}", found.interval
        low, high = (f"{bound:+.2g}" for bound in bounds) if bounds else ("", "")
    return f"{middle} [{low}, {high}]" if bounds else middle


def _conditions(counts: Mapping[str, int]) -> str:
    total = sum(counts.values())
    if not total:
        return "none ended"
    named = [f"{name.split('_')[0]} {count}/{total}" for name, count in list(counts.items())[:MOST_CONDITIONS]]
    more = len(counts) - len(named)
    return ", ".join([*named, *([f"{more} more"] if more else [])])


def _arm_mean(arm: ArmAnswer, metric: str, *, digits: int = 3) -> str:
    found = arm.effects.get(metric)
    return short(found.arm_mean, digits=digits, aligned=True) if found else "-"


def _baseline_mean(comparison: ComparisonAnswer, metric: str, *, digits: int = 3) -> str:
    found = next((arm.effects[metric] for arm in comparison.arms if metric in arm.effects), None)
    return short(found.baseline_mean, digits=digits, aligned=True) if found else "-"


def _times(ratio: float | None) -> str:
    return "-" if ratio is None else f"x{factor(ratio)}"


def _reading(comparison: ComparisonAnswer) -> str:
    confidence = f"{100 * comparison.confidence:.0f} %"
    unfinished = "" if comparison.complete else "Some runs have not ended, so verdicts are open. "
    return (
        f"{unfinished}runs: by primary condition. effect: paired by seed, {confidence} simultaneous intervals "
        "of all arms. D: gradient decay, the orders of magnitude by which the gradient shrinks from output to input "
        "before the first step. "
        "time: per step, relative to the baseline."
    )
