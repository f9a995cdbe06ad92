"""What a claim is: a sentence of common advice, the trainings that test it, and the rule that decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ..comparison import RunResult
from ..experiment import Experiment

Verdict = Literal["supported", "refuted", "mixed", "inconclusive"]

Arms = Mapping[str, Experiment]
"""The trainings of a claim by name; the first is the baseline of the study that they make."""

Results = Mapping[str, Sequence[RunResult]]
"""The finished runs of each arm."""


@dataclass(frozen=True)
class Figure:
    """One measured number that the verdict rests on."""

    name: str
    value: float | None
    unit: str


@dataclass(frozen=True)
class Ruling:
    """What the measurement says of a claim."""

    verdict: Verdict
    explanation: str
    """One or two sentences for a person, with the figures that matter."""
    figures: tuple[Figure, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "verdict": self.verdict,
            "explanation": self.explanation,
            "figures": [{"name": each.name, "value": each.value, "unit": each.unit} for each in self.figures],
        }


class ArmsOf(Protocol):
    """Gives a claim's trainings."""

    def __call__(self, *, quick: bool) -> Arms:
        """The arms of the quick or of the full variant; both have the same names."""


@dataclass(frozen=True)
class Claim:
    """A claim about gradients, and the experiment that anyone can rerun to test it."""

    id: str
    order: int
    """Its place in the list."""
    statement: str
    source: str
    """Where it is made, or the work that it goes back to."""
    design: str
    """What is trained, in a sentence."""
    rule: str
    """How it is decided, in a sentence."""
    arms: ArmsOf
    """The trainings, as a function of whether the quick variant is asked for."""
    decide: Callable[[Results], Ruling]
    """The decision, given at least one finished run of every arm."""
    seeds: int = 3
    """Seeds of the full variant; the quick one has a single seed."""

    def trials(self, *, quick: bool = False) -> Iterator[tuple[str, Experiment]]:
        """Every (arm, experiment) to train, the seed in the experiment."""
        arms = self.arms(quick=quick)
        for seed in self.seed_list(quick=quick):
            for name, experiment in arms.items():
                yield name, experiment.with_seed(seed)

    def seed_list(self, *, quick: bool = False) -> list[int]:
        """The training seeds."""
        return [0] if quick else list(range(self.seeds))

    def study(self, *, quick: bool = False) -> dict[str, Any]:
        """The claim's trainings as the body of `POST /v1/studies`."""
        arms = self.arms(quick=quick)
        baseline, *others = arms.items()
        return {
            "name": f"claim: {self.id}",
            "experiment": baseline[1].to_json(),
            "arms": [{"name": name, "experiment": experiment.to_json()} for name, experiment in others],
            "seeds": self.seed_list(quick=quick),
        }

    def judge(self, results: Sequence[RunResult], *, quick: bool = False) -> Ruling:
        """The ruling on the claim; `baseline`, as a study calls its first arm, is taken for that arm.

        Inconclusive where an arm has no finished run.
        """
        names = list(self.arms(quick=quick))
        by_arm: dict[str, list[RunResult]] = {name: [] for name in names}
        for run in results:
            name = names[0] if run.arm == "baseline" and "baseline" not in by_arm else run.arm
            if run.succeeded and name in by_arm:
                by_arm[name].append(run)
        missing = [name for name, runs in by_arm.items() if not runs]
        if missing:
            return Ruling("inconclusive", f"{len(missing)} of {len(names)} trainings have no result: {missing[0]}...")
        return self.decide({name: sorted(runs, key=lambda run: run.seed) for name, runs in by_arm.items()})

    def to_json(self, *, quick: bool = False) -> dict[str, Any]:
        """The claim without its ruling."""
        return {
            "id": self.id,
            "statement": self.statement,
            "source": self.source,
            "design": self.design,
            "rule": self.rule,
            "quick": quick,
            "runs": len(self.arms(quick=quick)) * len(self.seed_list(quick=quick)),
        }
