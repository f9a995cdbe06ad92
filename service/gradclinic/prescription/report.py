"""What a prescription answers, running or ended, as JSON."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from ..comparison import ArmComparison, RunResult
from ..comparison.arms import BASELINE, CONTROL
from ..kernel.codec import encode
from .candidates import Candidate, label
from .search import SearchOutcome, SearchState
from .trials import Trial, badness, seconds, to_json


def report(state: SearchState, *, refused: Collection[str] = ()) -> dict[str, Any]:
    """Status, diagnosis, what was tried, the control, the cure (or null, and why), and what it cost.

    `refused`: keys of trials that count as failed though nothing was trained. What was spent is everything else: also
    runs that the search would not ask for again, because one that it had gone by was deleted.
    """
    outcome = state.outcome
    trained = [result for key, result in state.results.items() if key not in refused]
    return {
        "status": "running" if outcome is None else "succeeded",
        "round": state.round,
        "ending": outcome.ending if outcome is not None else None,
        "diagnosis": _diagnosis(state),
        "tried": _tried(state),
        "control": _control(state, outcome),
        "cure": _cure(outcome),
        "why": outcome.why if outcome is not None else f"The search goes on: {_doing(state)}.",
        "comparison": asdict(outcome.comparison) if outcome is not None and outcome.comparison is not None else None,
        "budget": state.task.budget.to_json(),
        "spent": {
            "runs": len(trained),
            "seconds": sum(seconds(result) for result in trained),
            "waiting": len(state.waiting),
        },
    }


def _doing(state: SearchState) -> str:
    words = {
        "diagnose": "the experiment as it is",
        "screen": "first candidates in short runs",
        "improve": "variations of the best candidates in short runs",
        "race": "the best candidates at full length",
        "confirm": "the finalists on fresh seeds",
    }
    return f"{words[state.round]}, {len(state.waiting)} runs to go in this round"


def _diagnosis(state: SearchState) -> dict[str, Any] | None:
    """The diagnosis of the experiment's own seed, and the conditions of all its seeds."""
    first = [each for each in state.asked if each.round == "diagnose"]
    known = [state.results[each.key] for each in first if each.key in state.results]
    if not known:
        return None
    conditions: dict[str, int] = {}
    for result in known:
        conditions[result.primary] = conditions.get(result.primary, 0) + 1
    return {**(encode(known[0].diagnosis) if known[0].diagnosis is not None else {}), "conditions": conditions}


def _tried(state: SearchState) -> list[dict[str, Any]]:
    """Every candidate with its runs, those that came furthest first, then by what they left of the loss."""
    by_arm: dict[str, list[Trial]] = {}
    for each in state.asked:
        if each.arm not in (BASELINE, CONTROL):
            by_arm.setdefault(each.arm, []).append(each)
    order = ("screen", "improve", "race", "confirm")

    def key(trials: Sequence[Trial]) -> tuple[int, float]:
        last = max(order.index(each.round) for each in trials)
        known = [badness(state.results[each.key]) for each in trials if each.key in state.results]
        return -last, min(known, default=float("inf"))

    return [
        {
            "arm": arm,
            "remedies": [remedy.to_json() for remedy in trials[0].remedies],
            "reached": trials[-1].round,
            "runs": [to_json(each, state.results.get(each.key)) for each in trials],
        }
        for arm, trials in sorted(by_arm.items(), key=lambda item: key(item[1]))
    ]


def _control(state: SearchState, outcome: SearchOutcome | None) -> dict[str, Any] | None:
    """What remedies drawn by chance achieved on the confirmation's seeds."""
    trials = [each for each in state.asked if each.arm == CONTROL]
    known = [(each, state.results[each.key]) for each in trials if each.key in state.results]
    if not known:
        return None
    arm = _arm(outcome, CONTROL)
    against = outcome.against_control if outcome is not None else None
    return {
        "runs": len(known),
        "cured": sum(_well(result) for _, result in known),
        "verdict": arm.verdict if arm is not None else None,
        "effects": asdict(arm)["effects"] if arm is not None else None,
        "cure_against_control": asdict(against) if against is not None else None,
        "draws": [{**to_json(each, result), "name": " + ".join(map(label, each.remedies))} for each, result in known],
    }


def _well(result: RunResult) -> bool:
    return result.succeeded and result.learned and not result.harmful


def _cure(outcome: SearchOutcome | None) -> dict[str, Any] | None:
    """The cure with its evidence; the simplest and the best of the confirmed cures beside it, where they are others."""
    if outcome is None or outcome.cure is None:
        return None
    return {
        **_evidence(outcome, outcome.cure),
        "resolved_experiment": outcome.cure.experiment.to_json(),
        "simplest": _evidence(outcome, outcome.simplest),
        "best": _evidence(outcome, outcome.best),
    }


def _evidence(outcome: SearchOutcome, candidate: Candidate | None) -> dict[str, Any]:
    if candidate is None:
        return {}
    arm = _arm(outcome, candidate.name)
    return {
        "name": candidate.name,
        "remedies": [remedy.to_json() for remedy in candidate.remedies],
        "evidence": asdict(arm) if arm is not None else None,
    }


def _arm(outcome: SearchOutcome | None, name: str) -> ArmComparison | None:
    if outcome is None or outcome.comparison is None:
        return None
    return next((each for each in outcome.comparison.arms if each.arm == name), None)
