"""The search for a cure, as a pure function of the results so far.

    diagnose   the unchanged experiment, on three seeds                 -> its conditions, or: it is healthy
    screen     first candidates for these conditions, one seed, short   -> the best
    improve    variations of the best in one component, likewise        -> the best of all
    race       the best few at full length, two seeds                   -> finalists: the best, and equally good ones
    confirm    finalists, baseline and a random control, new seeds      -> the cure, or the next finalists, or none

The search is deterministic: replayed from its results, it requests the same runs, independent of the order in which
they ended. A round is requested as a whole, and the next one after all its runs have ended. Only a budget in seconds
makes the search depend on the machine.
"""

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, log
from statistics import fmean

from ..comparison import ArmComparison, Comparison, RunResult, compare, gain
from ..comparison.arms import BASELINE, CONTROL
from ..experiments.experiment import Experiment
from ..kernel.vocabulary import SearchEnding, SearchRound
from ..remedies import Remedy
from .candidates import Candidate, first_candidates, neighbours, simpler
from .funds import BudgetPlan, affords, divide, guessed_rate
from .random_remedy import random_remedy
from .trials import DEFAULT_BUDGET, Budget, Results, Trial, badness, trial

DIAGNOSE_SEEDS = 3
RACE_SEEDS = 2
FRESH = 1000
"""Offset of the confirmation's seeds from the experiment's seed, so that no seed is used twice."""
SHORT = 3
"""A screening run has a third of the steps, but at least 50, which is enough for every rule."""
AS_GOOD = log(1.5)
"""A simpler cure counts as equally good if its loss is at most 1.5 times that of the best."""

_RESTLESS = ("divergence", "exploding_gradients", "oscillating_loss", "dead_units")
"""Conditions whose steps are too large rather than too small."""


@dataclass(frozen=True)
class SearchTask:
    """The input of a search."""

    experiment: Experiment
    budget: Budget = DEFAULT_BUDGET
    seed: int = 0
    """Seed of the random control."""


@dataclass(frozen=True)
class SearchOutcome:
    """How a search ended."""

    ending: SearchEnding
    why: str
    """One or two sentences for people."""
    cure: Candidate | None = None
    simplest: Candidate | None = None
    """The confirmed cure with the fewest remedies, even if it is not equally good."""
    best: Candidate | None = None
    """The confirmed cure with the lowest loss; without a cure, the best candidate of the race."""
    comparison: Comparison | None = None
    """The confirmation: the finalists and the control against the baseline, on new seeds."""
    against_control: ArmComparison | None = None
    """The cure against the random control, on the same seeds."""
    control: Mapping[int, Candidate] = field(default_factory=dict)
    """The random remedy for each seed of the control."""


Steps = Generator[Sequence[Trial], Results, SearchOutcome]


@dataclass(frozen=True)
class SearchState:
    """The state of a search."""

    task: SearchTask
    results: Results
    asked: tuple[Trial, ...]
    """Every trial so far, in order."""
    waiting: tuple[Trial, ...]
    """Trials without a result, to be trained next."""
    outcome: SearchOutcome | None

    @property
    def round(self) -> SearchRound:
        """The current round, or the one in which the search ended."""
        return self.asked[-1].round


def advance(task: SearchTask, results: Results) -> SearchState:
    """Replay the search with the results so far, by trial key; the next trials are in `waiting`."""
    asked: dict[str, Trial] = {}
    steps = _search(task)
    try:
        wanted = next(steps)
        while True:
            asked |= {each.key: each for each in wanted}
            missing = tuple(each for each in wanted if each.key not in results)
            if missing:
                return SearchState(task, results, tuple(asked.values()), missing, None)
            wanted = steps.send({each.key: results[each.key] for each in wanted})
    except StopIteration as stop:
        return SearchState(task, results, tuple(asked.values()), (), stop.value)


def next_runs(task: SearchTask, results: Results) -> tuple[Trial, ...]:
    """The trials to train next; empty if the search has ended."""
    return advance(task, results).waiting


def _search(task: SearchTask) -> Steps:
    everything: dict[str, RunResult] = {}
    experiment, training = task.experiment, task.experiment.training
    seeds = [(training.seed + index) % 2**31 for index in range(DIAGNOSE_SEEDS)]
    asked = [trial("diagnose", BASELINE, (), experiment, seed=seed, steps=training.steps) for seed in seeds]
    everything |= yield asked
    sick = [everything[each.key] for each in asked]
    if not any(result.succeeded for result in sick):
        return SearchOutcome("untrainable", "The service could not train this experiment, so no remedy can be tried.")
    conditions = [name for name, _ in Counter(name for result in sick for name in sorted(result.harmful)).most_common()]
    if not conditions:
        return SearchOutcome("healthy", f"The experiment learned in {len(sick)} of {len(sick)} seeds: nothing to cure.")

    rate = guessed_rate(experiment)
    short = training.steps if training.steps <= 100 else max(50, training.steps // SHORT)
    plan = divide(task.budget, everything.values(), steps=training.steps, short_steps=short, rate=rate)
    scores: dict[Candidate, float] = {}
    screened = first_candidates(experiment, conditions, _suggested(sick))[: plan.screen]
    everything |= yield from _screen("screen", screened, scores, seed=seeds[0], steps=short)
    if not scores:
        return SearchOutcome("not_cured", "No remedy of the catalogue applies to this experiment.")

    plan = divide(task.budget, everything.values(), steps=training.steps, short_steps=short, rate=rate)
    best = _best(scores, 2)
    restless = everything[_of(best[0], "screen", seed=seeds[0], steps=short).key].primary in _RESTLESS
    near = neighbours(experiment, best, restless=restless)
    near = [each for each in near if each not in scores][: plan.improve]
    everything |= yield from _screen("improve", near, scores, seed=seeds[0], steps=short)

    raced = _Race()
    racing = _with_simplest(_best(scores, plan.race), scores)
    everything |= yield from raced.run(racing, seeds=seeds[:RACE_SEEDS], steps=training.steps)
    parts = [each for best in _best(raced.scores, 1) for each in simpler(experiment, best) if each not in raced.scores]
    if affords(task.budget, everything.values(), runs=RACE_SEEDS * len(parts) + 20, steps=training.steps, rate=rate):
        everything |= yield from raced.run(parts, seeds=seeds[:RACE_SEEDS], steps=training.steps)
    return (yield from _confirm(task, raced, plan, everything))


def _suggested(results: Sequence[RunResult]) -> list[Remedy]:
    """The suggestions of the diagnoses for harmful findings, without duplicates, in order."""
    found: list[Remedy] = []
    for result in results:
        for finding in result.diagnosis.findings if result.diagnosis is not None else ():
            for remedy in finding.suggested_remedies if finding.harm else ():
                if remedy not in found:
                    found.append(remedy)
    return found


def _of(candidate: Candidate, round_: SearchRound, *, seed: int, steps: int, arm: str | None = None) -> Trial:
    name, length = arm or candidate.name, candidate.steps(steps)
    return trial(round_, name, candidate.remedies, candidate.experiment, seed=seed, steps=length)


def _screen(
    round_: SearchRound, candidates: Sequence[Candidate], scores: dict[Candidate, float], *, seed: int, steps: int
) -> Generator[Sequence[Trial], Results, Results]:
    asked = {each: _of(each, round_, seed=seed, steps=steps) for each in candidates}
    if not asked:
        return {}
    results = yield list(asked.values())
    scores |= {each: badness(results[wanted.key]) for each, wanted in asked.items()}
    return results


@dataclass
class _Race:
    """Candidates at full length, on a few seeds."""

    scores: dict[Candidate, float] = field(default_factory=dict)
    well: set[Candidate] = field(default_factory=set)
    """Those that learned without harm on every seed."""

    def run(
        self, candidates: Sequence[Candidate], *, seeds: Sequence[int], steps: int
    ) -> Generator[Sequence[Trial], Results, Results]:
        asked = {each: [_of(each, "race", seed=seed, steps=steps) for seed in seeds] for each in candidates}
        if not asked:
            return {}
        results = yield [wanted for trials in asked.values() for wanted in trials]
        for each, trials in asked.items():
            ended = [results[wanted.key] for wanted in trials]
            self.scores[each] = fmean(badness(result) for result in ended)
            if all(result.learned and not result.harmful for result in ended):
                self.well.add(each)
        return results

    def finalists(self, tried: Sequence[Candidate], count: int) -> list[Candidate]:
        """The best, then the simplest that did well, then the others in order."""
        left = {each: score for each, score in self.scores.items() if each not in tried and score < inf}
        ranked = _best(left, len(left))
        simple = sorted((each for each in ranked if each in self.well), key=lambda each: len(each.remedies))
        return list(dict.fromkeys([*ranked[:1], *simple, *ranked]))[:count]


def _best(scores: Mapping[Candidate, float], count: int) -> list[Candidate]:
    return sorted(scores, key=lambda each: (scores[each], len(each.remedies), each.name))[:count]


def _with_simplest(best: list[Candidate], scores: Mapping[Candidate, float]) -> list[Candidate]:
    """The best candidates, including the best single remedy."""
    single = {each: score for each, score in scores.items() if len(each.remedies) == 1}
    return list(dict.fromkeys([*best[: max(1, len(best) - 1)], *_best(single, 1), *best]))[: len(best)]


def _confirm(task: SearchTask, raced: _Race, plan: BudgetPlan, everything: Mapping[str, RunResult]) -> Steps:
    experiment, steps = task.experiment, task.experiment.training.steps
    seeds = [(experiment.training.seed + FRESH + index) % 2**31 for index in range(plan.confirm_seeds)]
    spent, results, tried = dict(everything), dict[str, RunResult](), list[Candidate]()
    control = _control(task, _best(raced.scores, 3), seeds)
    asked = [trial("confirm", BASELINE, (), experiment, seed=seed, steps=steps) for seed in seeds]
    asked += [_of(drawn, "confirm", seed=seed, steps=steps, arm=CONTROL) for seed, drawn in control.items()]
    while finalists := raced.finalists(tried, plan.finalists):
        wanted = len(asked) + len(finalists) * len(seeds)
        if tried and not affords(task.budget, spent.values(), runs=wanted, steps=steps, rate=guessed_rate(experiment)):
            break
        tried += finalists
        asked += [_of(each, "confirm", seed=seed, steps=steps) for each in finalists for seed in seeds]
        results |= yield asked
        spent |= results
        asked = []
        comparison = compare(_named(results), baseline=BASELINE)
        cures = [each for each in tried if comparison.arm(each.name).verdict == "cures"]
        if cures:
            return _cured(cures, comparison, results, control)
    return _not_cured(raced.scores, comparison if tried else None, control)


def _control(task: SearchTask, best: Sequence[Candidate], seeds: Sequence[int]) -> dict[int, Candidate]:
    """One random remedy for each seed, independent of all results."""
    drawn: dict[int, Candidate] = {}
    for attempt, seed in enumerate(seeds):
        remedy = random_remedy(
            task.experiment, seed=task.seed, listed=[each.remedies for each in best], attempt=attempt
        )
        if remedy is not None:
            drawn[seed] = Candidate((remedy,), remedy.apply(task.experiment))
    return drawn


def _named(results: Results) -> list[RunResult]:
    """The results of the confirmation with the arm names of the search, not those under which they were trained."""
    return [replace(result, arm=key.rsplit("|", 2)[0]) for key, result in results.items()]


def _cured(
    cures: Sequence[Candidate], comparison: Comparison, results: Results, control: Mapping[int, Candidate]
) -> SearchOutcome:
    best = min(cures, key=lambda each: comparison.arm(each.name).rank)
    simplest = min(cures, key=lambda each: (len(each.remedies), comparison.arm(each.name).rank))
    cure = simplest if _as_good(simplest, best, results) else best
    return SearchOutcome(
        "cured",
        comparison.arm(cure.name).reason,
        cure=cure,
        simplest=simplest,
        best=best,
        comparison=comparison,
        against_control=_against(CONTROL, cure, results) if control else None,
        control=control,
    )


def _against(reference: str, candidate: Candidate, results: Results) -> ArmComparison:
    """A candidate compared with an arm of the confirmation other than the baseline."""
    both = [result for result in _named(results) if result.arm in (reference, candidate.name)]
    return compare(both, baseline=reference).arm(candidate.name)


def _as_good(simple: Candidate, best: Candidate, results: Results) -> bool:
    """Whether the simpler candidate is equally good on the seeds of the confirmation; see `AS_GOOD`."""
    if simple == best:
        return True
    return gain(_named(results), baseline=best.name, arm=simple.name) <= AS_GOOD


def _not_cured(
    raced: Mapping[Candidate, float], comparison: Comparison | None, control: Mapping[int, Candidate]
) -> SearchOutcome:
    best = next(iter(_best(raced, 1)), None)
    if comparison is None or best is None:
        why = "No candidate trained to a finite loss at full length."
    else:
        arm = next((each for each in comparison.arms if each.arm == best.name), comparison.arms[0])
        why = f"The best candidate, {arm.arm}, is not a cure: {arm.reason}"
    return SearchOutcome("not_cured", why, best=best, comparison=comparison, control=control)
