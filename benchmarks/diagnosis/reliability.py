"""How often findings of a given confidence are right: a reliability table.

Confidences were set on the labelled experiments and on the programs that are not held out; the table of the held-out
programs and of a new seed shows whether they mean what they say.
Source: DeGroot and Fienberg 1983, The comparison and evaluation of forecasters, The Statistician 32.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gradclinic.diagnosis.reliability import Led

from .measure import wilson

EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98)
"""Lower edges of the bins; the last one ends at 1."""


@dataclass(frozen=True)
class Said:
    """The leading finding of one training."""

    confidence: float
    right: bool
    """Whether it names what is wrong, or that nothing is."""


def table(said: Sequence[Said], *, configuration: str) -> list[dict[str, str | float]]:
    """One row for each bin with findings: the fraction that was right, its 95 % interval, and the mean confidence."""
    rows: list[dict[str, str | float]] = []
    for low, high in zip(EDGES, (*EDGES[1:], 1.0), strict=True):
        inside = [each for each in said if low <= each.confidence < high or each.confidence == high == 1.0]
        if not inside:
            continue
        right = sum(each.right for each in inside)
        mean = sum(each.confidence for each in inside) / len(inside)
        least, most = wilson(right, len(inside))
        rows.append(
            {
                "benchmark": "diagnosis",
                "subject": f"right at confidence {low:.2f} to {high:.2f}",
                "configuration": f"{configuration}, {len(inside)}",
                "value": right / len(inside),
                "unit": "fraction",
                "noise": f"95 %: {least:.2f} to {most:.2f}; mean confidence {mean:.2f}",
            }
        )
    return rows


ENOUGH = 10
"""Trainings from which the rule of succession passes .9 if all are right."""


def by_condition(led: Iterable[tuple[str, Said]], *, configuration: str) -> list[dict[str, str | float]]:
    """One row for each condition that led a diagnosis: the fraction that was right, and the next one's probability.

    `led`: the condition of each leading finding, and what was said. The counts are those of
    `gradclinic.diagnosis.reliability`, which bounds confidences with them.
    """
    groups: dict[str, list[Said]] = {}
    for condition, said in led:
        groups.setdefault(condition, []).append(said)
    rows: list[dict[str, str | float]] = []
    for condition, group in sorted(groups.items()):
        counted = Led(sum(each.right for each in group), len(group))
        mean = sum(each.confidence for each in group) / len(group)
        few = "; few" if len(group) < ENOUGH else ""
        rows.append(
            {
                "benchmark": "diagnosis",
                "subject": f"right where {condition} leads",
                "configuration": f"{configuration}, {len(group)}",
                "value": counted.right / counted.trainings,
                "unit": "fraction",
                "noise": f"by the rule of succession {counted.rightly:.2f}; mean confidence {mean:.2f}{few}",
            }
        )
    return rows


def gap(said: Sequence[Said]) -> float:
    """Mean confidence minus the fraction that was right, over all findings; 0 if there are none."""
    if not said:
        return 0.0
    return sum(each.confidence - each.right for each in said) / len(said)
