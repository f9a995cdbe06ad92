"""What a claim is: a sentence of common advice, the trainings that test it, and the rule that decides."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ..comparison import RunResult
from ..comparison.arms import BASELINE
from ..comparison.study import ArmSpec, StudySpec
from ..experiments.experiment import Experiment
from ..kernel.vocabulary import ClaimVerdict

Arms = Mapping[str, Experiment]
"""The trainings of a claim by name; the first is the baseline of the study that they make."""

Seeds = Sequence[Mapping[str, RunResult]]
"""For each seed, in order, the finished run of every arm."""


@dataclass(frozen=True)
class Figure:
    """One measured number that the verdict rests on."""

    name: str
    value: float
    """Median over the seeds, or the share of what `of` says."""
    unit: str
    n: int
    """How many there are of what it is taken over."""
    of: Literal["seeds", "networks", "orders"] = "seeds"
    interval: tuple[float, float] | None = None
    """Of the median over the seeds, or of the share; None for a single seed, and for what was counted in full."""
    confidence: float | None = None
    """Of the interval."""


@dataclass(frozen=True)
class Ruling:
    """What the measurement says of a claim."""

    verdict: ClaimVerdict
    explanation: str
    """A few sentences for a person, with the figures that matter."""
    figures: tuple[Figure, ...] = ()


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
    decide: Callable[[Seeds], Ruling]
    """The decision, given at least one seed."""
    seeds: int = 6
    """Seeds of the full variant: from six on the interval of a median reaches 95 %. The quick one has a single seed."""

    def trials(self, *, quick: bool = False) -> Iterator[tuple[str, Experiment]]:
        """Every (arm, experiment) to train, the seed in the experiment."""
        arms = self.arms(quick=quick)
        for seed in self.seed_list(quick=quick):
            for name, experiment in arms.items():
                yield name, experiment.with_seed(seed)

    def seed_list(self, *, quick: bool = False) -> list[int]:
        """The training seeds."""
        return [0] if quick else list(range(self.seeds))

    def runs(self, *, quick: bool = False) -> int:
        """How many trainings there are."""
        return len(self.arms(quick=quick)) * len(self.seed_list(quick=quick))

    def study(self, *, quick: bool = False, labels: Mapping[str, str] | None = None) -> StudySpec:
        """The claim's trainings as a study."""
        (_, baseline), *others = self.arms(quick=quick).items()
        return StudySpec(
            name=f"claim: {self.id}",
            experiment=baseline,
            arms=tuple(ArmSpec(name=name, experiment=experiment) for name, experiment in others),
            seeds=tuple(self.seed_list(quick=quick)),
            labels=dict(labels or {}),
        )

    def judge(self, results: Sequence[RunResult], *, quick: bool = False) -> Ruling:
        """The ruling on the claim; `baseline`, as a study calls its first arm, is taken for that arm.

        Inconclusive where fewer seeds than the variant has finished a run of every arm.
        """
        names = list(self.arms(quick=quick))
        by_seed: dict[int, dict[str, RunResult]] = {}
        for run in results:
            name = names[0] if run.arm == BASELINE and BASELINE not in names else run.arm
            if run.succeeded and name in names:
                by_seed.setdefault(run.seed, {})[name] = run
        complete = [
            {name: by_seed[seed][name] for name in names}
            for seed in sorted(by_seed)
            if by_seed[seed].keys() >= {*names}
        ]
        wanted = len(self.seed_list(quick=quick))
        if len(complete) < wanted:
            return Ruling(
                "inconclusive",
                f"Of {wanted} seed{'s' if wanted > 1 else ''} that it takes, {len(complete)} have a result of each "
                f"of the {len(names)} trainings.",
            )
        ruling = self.decide(complete)
        return replace(
            ruling, explanation=f"{ruling.explanation} {_basis(ruling.figures, seeds=len(complete))}".strip()
        )


def _basis(figures: Sequence[Figure], *, seeds: int) -> str:
    """What the numbers are, in a sentence; nothing where they are not of seeds."""
    measured = [each for each in figures if each.of == "seeds"]
    if not measured or seeds == 1:
        return "One seed, so without intervals." if measured else ""
    sure = min((each.confidence for each in measured if each.confidence is not None), default=0.0)
    medians = f"Medians of {seeds} seeds, in brackets their intervals ({100 * sure:.0f} %)"
    return f"{medians}; what seeds disagree on decides nothing."
