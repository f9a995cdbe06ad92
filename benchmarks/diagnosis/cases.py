"""Labelled experiments: what is wrong with each is known by construction."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradclinic.diagnosis import Condition
from gradclinic.experiments.experiment import Experiment

CASES = Path(__file__).parents[2] / "tests" / "data" / "cases.json"


@dataclass(frozen=True)
class Case:
    """An experiment with its label, which holds by construction."""

    name: str
    experiment: Experiment
    seeds: tuple[int, ...]
    expected: Condition
    also_acceptable: tuple[Condition, ...] = ()
    culprit: int | None = None
    """Place among the hidden weighted layers of a fault planted in one layer."""
    borderline: bool = False

    def accepts(self, condition: str) -> bool:
        """Whether a diagnosis of that condition is correct."""
        return condition == self.expected or condition in self.also_acceptable


def corpus() -> list[Case]:
    """The project's own fixed cases."""
    stored: list[dict[str, Any]] = json.loads(CASES.read_text())["cases"]
    return [
        Case(
            name=case["name"],
            experiment=Experiment.model_validate_json(json.dumps(case["experiment"])),
            seeds=tuple(case["seeds"]),
            expected=case["expected"],
            also_acceptable=tuple(case["also_acceptable"]),
        )
        for case in stored
    ]
