"""An automatic search for remedies that cure an experiment, with the evidence for them.

    task = SearchTask(experiment, budget=Budget(seconds=240))
    results = {}
    while trials := next_runs(task, results):
        for trial in trials:                        # in any order, by any number of workers
            results[trial.key] = ...                # the RunResult after training trial.experiment
    report(advance(task, results))

No I/O: the state of a search consists only of the task and the results so far.
"""

from .candidates import Candidate, candidate, first_candidates
from .report import ConfirmedCandidate, Cure, ExperimentDiagnosis, Report
from .reporting import report
from .search import SearchOutcome, SearchState, SearchTask, advance, next_runs
from .spec import PrescriptionSpec, RequestedBudget
from .trials import DEFAULT_BUDGET, Budget, Trial

__all__ = [
    "DEFAULT_BUDGET",
    "Budget",
    "Candidate",
    "ConfirmedCandidate",
    "Cure",
    "ExperimentDiagnosis",
    "PrescriptionSpec",
    "Report",
    "RequestedBudget",
    "SearchOutcome",
    "SearchState",
    "SearchTask",
    "Trial",
    "advance",
    "candidate",
    "first_candidates",
    "next_runs",
    "report",
]
