"""The report of a search from its state."""

from collections.abc import Collection, Mapping, Sequence

from ..comparison import ArmComparison, RunResult
from ..comparison.arms import BASELINE, CONTROL
from ..kernel.vocabulary import SearchRound
from .candidates import Candidate, label
from .report import (
    CandidateReport,
    ConfirmedCandidate,
    ControlReport,
    Cure,
    DrawReport,
    ExperimentDiagnosis,
    Report,
    SeedConditions,
    Spent,
    TrialReport,
)
from .search import SearchOutcome, SearchState
from .trials import Trial, badness, seconds


def report(state: SearchState, *, refused: Collection[str] = (), deleted: Collection[str] = ()) -> Report:
    """The diagnosis, the candidates, the control, the cure (or None, with the reason), and the cost.

    `refused`: keys of trials that count as failed without being trained. `deleted`: keys of trials whose runs were
    deleted; they count as not trained. The cost includes all training, also of runs that are no longer part of the
    search because an earlier run was deleted.
    """
    outcome = state.outcome
    trained = [result for key, result in state.results.items() if key not in refused]
    return Report(
        status="running" if outcome is None else "succeeded",
        round=state.round,
        ending=outcome.ending if outcome is not None else None,
        why=_why(state) + _without(len(deleted)),
        diagnosis=_diagnosis(state),
        tried=_tried(state),
        control=_control(state, outcome),
        cure=_cure(outcome),
        comparison=outcome.comparison if outcome is not None else None,
        budget=state.task.budget,
        spent=Spent(runs=len(trained), seconds=sum(seconds(result) for result in trained), waiting=len(state.waiting)),
    )


_DOING: Mapping[SearchRound, str] = {
    "diagnose": "the unchanged experiment",
    "screen": "first candidates in short runs",
    "improve": "variations of the best candidates in short runs",
    "race": "the best candidates at full length",
    "confirm": "the finalists on new seeds",
}


def _why(state: SearchState) -> str:
    if state.outcome is not None:
        return state.outcome.why
    return f"The search is running: {_DOING[state.round]}, {len(state.waiting)} runs left in this round."


def _without(deleted: int) -> str:
    if not deleted:
        return ""
    runs = "1 run of the search was" if deleted == 1 else f"{deleted} runs of the search were"
    return f" {runs} deleted and count{'s' * (deleted == 1)} as not trained."


def _diagnosis(state: SearchState) -> ExperimentDiagnosis | SeedConditions | None:
    """The diagnosis of the experiment's own seed, and the conditions of all its seeds."""
    first = [each for each in state.asked if each.round == "diagnose"]
    known = [state.results[each.key] for each in first if each.key in state.results]
    if not known:
        return None
    conditions: dict[str, int] = {}
    for result in known:
        conditions[result.primary] = conditions.get(result.primary, 0) + 1
    own = known[0].diagnosis
    if own is None:
        return SeedConditions(conditions=conditions)
    return ExperimentDiagnosis(conditions=conditions, primary=own.primary, findings=own.findings, rule_set=own.rule_set)


def _tried(state: SearchState) -> tuple[CandidateReport, ...]:
    by_arm: dict[str, list[Trial]] = {}
    for each in state.asked:
        if each.arm not in (BASELINE, CONTROL):
            by_arm.setdefault(each.arm, []).append(each)
    order = ("screen", "improve", "race", "confirm")

    def key(trials: Sequence[Trial]) -> tuple[int, float]:
        last = max(order.index(each.round) for each in trials)
        known = [badness(state.results[each.key]) for each in trials if each.key in state.results]
        return -last, min(known, default=float("inf"))

    return tuple(
        CandidateReport(
            arm=arm,
            remedies=trials[0].remedies,
            reached=trials[-1].round,
            runs=tuple(_trial(each, state.results.get(each.key)) for each in trials),
        )
        for arm, trials in sorted(by_arm.items(), key=lambda item: key(item[1]))
    )


def _trial(done: Trial, result: RunResult | None) -> TrialReport:
    return TrialReport(
        key=done.key,
        round=done.round,
        arm=done.arm,
        remedies=done.remedies,
        seed=done.seed,
        steps=done.steps,
        run_id=(result.run_id or None) if result is not None else None,
        status=result.status if result is not None else "queued",
        primary=result.primary if result is not None and result.succeeded else None,
        learned=result.learned if result is not None and result.succeeded else None,
        relative_train_loss=result.metric("relative_train_loss") if result is not None else None,
    )


def _control(state: SearchState, outcome: SearchOutcome | None) -> ControlReport | None:
    trials = [each for each in state.asked if each.arm == CONTROL]
    known = [(each, state.results[each.key]) for each in trials if each.key in state.results]
    if not known:
        return None
    arm = _arm(outcome, CONTROL)
    return ControlReport(
        runs=len(known),
        cured=sum(result.succeeded and result.learned and not result.harmful for _, result in known),
        verdict=arm.verdict if arm is not None else None,
        effects=arm.effects if arm is not None else None,
        cure_against_control=outcome.against_control if outcome is not None else None,
        draws=tuple(
            DrawReport(**vars(_trial(each, result)), name=" + ".join(map(label, each.remedies)))
            for each, result in known
        ),
    )


def _cure(outcome: SearchOutcome | None) -> Cure | None:
    if outcome is None or outcome.cure is None:
        return None
    return Cure(
        **vars(_confirmed(outcome, outcome.cure)),
        resolved_experiment=outcome.cure.experiment.to_json(),
        simplest=_confirmed(outcome, outcome.simplest or outcome.cure),
        best=_confirmed(outcome, outcome.best or outcome.cure),
    )


def _confirmed(outcome: SearchOutcome, candidate: Candidate) -> ConfirmedCandidate:
    return ConfirmedCandidate(name=candidate.name, remedies=candidate.remedies, evidence=_arm(outcome, candidate.name))


def _arm(outcome: SearchOutcome | None, name: str) -> ArmComparison | None:
    if outcome is None or outcome.comparison is None:
        return None
    return next((each for each in outcome.comparison.arms if each.arm == name), None)
