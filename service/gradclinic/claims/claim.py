"""A claim: a statement of common advice, the training runs that test it, and the decision rule."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ..comparison import RunResult
from ..comparison.arms import BASELINE
from ..comparison.study import ArmSpec, StudySpec
from ..experiments.experiment import Experiment
from ..kernel.vocabulary import ClaimVerdict

Arms = Mapping[str, Experiment]
"""The experiments of a claim by arm name; the first arm is the baseline of the study."""

Seeds = Sequence[Mapping[str, RunResult]]
"""For each seed, in order, the finished runs of all arms."""


@dataclass(frozen=True)
class Figure:
    """One measured number that the verdict is based on."""

    name: str
    value: float
    """Median over the seeds, or a fraction of the items named in `of`."""
    unit: str
    n: int
    """Number of items that the value is computed over."""
    of: Literal["seeds", "networks", "orders"] = "seeds"
    interval: tuple[float, float] | None = None
    """Confidence interval of the value; None for a single seed or a full count."""
    confidence: float | None = None
    """Confidence level of the interval."""


@dataclass(frozen=True)
class Ruling:
    """The outcome of testing a claim."""

    verdict: ClaimVerdict
    explanation: str
    """A few sentences with the relevant figures."""
    figures: tuple[Figure, ...] = ()


class ArmsOf(Protocol):
    """Returns the experiments of a claim."""

    def __call__(self, *, quick: bool) -> Arms:
        """The arms of the quick or the full variant; both have the same names."""


@dataclass(frozen=True)
class Claim:
    """A claim about gradients, with a reproducible experiment that tests it."""

    id: str
    order: int
    """Position in the list."""
    statement: str
    source: str
    """Source of the claim."""
    design: str
    """What is trained, in one sentence."""
    rule: str
    """How the verdict is decided, in one sentence."""
    arms: ArmsOf
    """Returns the experiments of the quick or the full variant."""
    decide: Callable[[Seeds], Ruling]
    """Decides the verdict from the results of at least one seed."""
    seeds: int = 6
    """Seeds of the full variant; six are enough for a 95 % interval of a median. The quick variant has one seed."""

    def trials(self, *, quick: bool = False) -> Iterator[tuple[str, Experiment]]:
        """All (arm, experiment) pairs to train; the seed is in the experiment."""
        arms = self.arms(quick=quick)
        for seed in self.seed_list(quick=quick):
            for name, experiment in arms.items():
                yield name, experiment.with_seed(seed)

    def seed_list(self, *, quick: bool = False) -> list[int]:
        """The training seeds."""
        return [0] if quick else list(range(self.seeds))

    def runs(self, *, quick: bool = False) -> int:
        """Number of training runs."""
        return len(self.arms(quick=quick)) * len(self.seed_list(quick=quick))

    def study(self, *, quick: bool = False, labels: Mapping[str, str] | None = None) -> StudySpec:
        """The training runs of the claim as a study."""
        (_, baseline), *others = self.arms(quick=quick).items()
        return StudySpec(
            name=f"claim: {self.id}",
            experiment=baseline,
            arms=tuple(ArmSpec(name=name, experiment=experiment) for name, experiment in others),
            seeds=tuple(self.seed_list(quick=quick)),
            labels=dict(labels or {}),
        )

    def judge(self, results: Sequence[RunResult], *, quick: bool = False) -> Ruling:
        """The outcome of the claim. `baseline`, the name that a study gives its first arm, stands for that arm.

        Inconclusive if too few seeds have finished runs of all arms.
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
    """What the numbers are, in one sentence; empty if they are not computed over seeds."""
    measured = [each for each in figures if each.of == "seeds"]
    if not measured or seeds == 1:
        return "One seed, so there are no intervals." if measured else ""
    sure = min((each.confidence for each in measured if each.confidence is not None), default=0.0)
    medians = f"Medians of {seeds} seeds with {100 * sure:.0f} % intervals in brackets"
    return f"{medians}; comparisons on which seeds disagree are not counted."
