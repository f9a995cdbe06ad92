"""The pages of prescriptions: the progress and the results of a search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from fastapi.responses import HTMLResponse

from ..api.http.dependencies import AfterPrescription, PrescriptionId, TheService
from ..comparison import Comparison
from ..comparison.arms import BASELINE, CONTROL
from ..diagnosis import Finding
from ..kernel.errors import InsufficientData
from ..kernel.json import JsonObject
from ..prescription.report import ConfirmedCandidate, ControlReport, Cure, ExperimentDiagnosis, SeedConditions, Spent
from ..remedies import Remedy
from ..store import Prescription, RunSummary
from ..use_cases.prescription import why
from ..use_cases.service import Service
from . import filters
from .candidate import ROUNDS, Candidate, candidates, in_words, loss_left, round_of, runs_of
from .configuration import code_changes
from .figures import Entrant, Figure, race, ranking
from .rendering import page_router, render
from .run_rows import RunRow, condition_of
from .saved import Figures, SavedFile, rule_sets, saved_file, timestamps

PRESCRIPTIONS = 50
SHOWN = 12
"""Number of candidates that are shown at first."""

router = page_router()


@router.get("/prescriptions")
def show_all(service: TheService, after: AfterPrescription = None) -> HTMLResponse:
    """Searches for a cure, newest first."""
    return render("prescriptions.html", listed(service, after=after))


@router.get("/prescriptions/{prescription_id}")
def show(prescription_id: PrescriptionId, service: TheService) -> HTMLResponse:
    """One search: initial diagnosis, progress, cure and evidence."""
    return render("prescription.html", one(service, prescription_id))


@dataclass(frozen=True, kw_only=True)
class PrescriptionRow:
    """A row in the table of prescriptions."""

    prescription: Prescription
    called: str
    ending: str
    cure: str | None
    """In words."""
    primary: str | None
    """The condition of the unchanged experiment."""
    spent: Spent | None


@dataclass(frozen=True)
class PrescriptionsView:
    """What the page of prescriptions shows."""

    rows: Sequence[PrescriptionRow]
    next: str | None
    first: bool
    """Whether this is the first page."""
    live: bool


@dataclass(frozen=True, kw_only=True)
class RoundView:
    """A round of a search with its runs."""

    name: str
    words: str
    runs: int
    ended: int
    state: Literal["done", "now", "open"]
    steps_done: int
    steps: int


@dataclass(frozen=True, kw_only=True)
class PrescriptionView:
    """What the page of a prescription shows."""

    prescription: Prescription
    title: str
    ended: bool
    ending: str
    why: str | None
    rounds: Sequence[RoundView]
    diagnosis: SeedConditions | None
    primary: str | None
    """The condition of the unchanged experiment."""
    findings: Sequence[Finding]
    sick: RunSummary | None
    """The run of the unchanged experiment with its own seed."""
    cure: Cure | None
    other_cures: Sequence[tuple[str, ConfirmedCandidate]]
    """The simplest and the best of the confirmed cures, if they differ from the cure."""
    cured_experiment: JsonObject | None
    """The cured experiment, ready to post as a run."""
    code_changes: str
    """What the cure changes of the PyTorch code, as a diff; empty without a cure."""
    cure_as_remedies: JsonObject | None
    """The same as the original experiment with remedies."""
    comparison: Comparison | None
    confirmed: bool
    names: Mapping[str, str]
    """The remedies of each arm in words."""
    control: ControlReport | None
    tried: Sequence[Candidate]
    spent: Spent | None
    figures_ready: bool
    shown: int = SHOWN


@dataclass(frozen=True)
class PrescriptionRuns:
    """The runs of a search, for its report."""

    runs: Sequence[RunRow]


def listed(service: Service, *, after: str | None) -> PrescriptionsView:
    """A page of prescriptions, newest first."""
    page = service.store.prescriptions.page(after=after, limit=PRESCRIPTIONS)
    live = any(each.status == "running" for each in page.items)
    return PrescriptionsView([row_of(each) for each in page.items], page.next, after is None, live)


def row_of(found: Prescription) -> PrescriptionRow:
    """A row in a table of prescriptions."""
    return PrescriptionRow(
        prescription=found,
        called=_called(found),
        ending=ending(found),
        cure=_cure_in_words(found),
        primary=_primary(found),
        spent=found.report.spent if found.report is not None else None,
    )


def one(service: Service, prescription_id: str) -> PrescriptionView:
    """A prescription: diagnosis, race, cure with evidence, random control, and cost."""
    found = service.store.prescriptions.get(prescription_id)
    trials = service.store.prescriptions.trials(prescription_id)
    report = found.report
    tried = candidates(trials)
    cure = report.cure if report is not None else None
    comparison = report.comparison if report is not None else None
    return PrescriptionView(
        prescription=found,
        title=_called(found),
        ended=found.status != "running",
        ending=ending(found),
        why=why(found),
        rounds=_rounds(trials, report.round if report is not None else None, running=found.status == "running"),
        diagnosis=report.diagnosis if report is not None else None,
        primary=_primary(found),
        findings=_findings(found),
        sick=next((run for run in trials.values() if round_of(run) == "diagnose"), None),
        cure=cure,
        other_cures=_other_cures(cure),
        cured_experiment=None if cure is None else {"experiment": dict(cure.resolved_experiment)},
        code_changes="" if cure is None else code_changes(service, found.experiment, cure.resolved_experiment),
        cure_as_remedies=None
        if cure is None
        else {"experiment": dict(found.experiment), "remedies": [_turned(remedy) for remedy in cure.remedies]},
        comparison=comparison,
        confirmed=comparison is not None and bool(comparison.arms),
        names={each.arm: each.words for each in tried},
        control=report.control if report is not None else None,
        tried=tried,
        spent=report.spent if report is not None else None,
        figures_ready=any(loss_left(run) is not None for run in trials.values()),
    )


def ending(found: Prescription) -> str:
    """How a search ended, or its status while it is running."""
    ended = found.report.ending if found.report is not None and found.status == "succeeded" else None
    return ended or found.status


def _called(found: Prescription) -> str:
    """Its name, or the model and data of its experiment."""
    return found.name or f"Cure for {filters.network(found.experiment)}"


def _cure_in_words(found: Prescription) -> str | None:
    cure = found.report.cure if found.report is not None else None
    return None if cure is None else filters.remedies(cure.remedies)


def _primary(found: Prescription) -> str | None:
    diagnosis = found.report.diagnosis if found.report is not None else None
    return diagnosis.primary if isinstance(diagnosis, ExperimentDiagnosis) else None


def _findings(found: Prescription) -> Sequence[Finding]:
    diagnosis = found.report.diagnosis if found.report is not None else None
    return diagnosis.findings if isinstance(diagnosis, ExperimentDiagnosis) else ()


def _other_cures(cure: Cure | None) -> list[tuple[str, ConfirmedCandidate]]:
    """The simplest and the best of the confirmed cures, if they differ from the cure."""
    if cure is None:
        return []
    return [
        (which, each) for which, each in (("simplest", cure.simplest), ("best", cure.best)) if each.name != cure.name
    ]


def _turned(remedy: Remedy) -> JsonObject:
    """A remedy ready to post, without null fields."""
    return {name: value for name, value in remedy.to_json().items() if value is not None}


def _rounds(trials: Mapping[str, RunSummary], now: str | None, *, running: bool) -> list[RoundView]:
    """Each round with its runs, and whether it is done, running or pending."""
    rows = []
    for name, words in ROUNDS.items():
        runs = [run for run in trials.values() if round_of(run) == name]
        rows.append(
            RoundView(
                name=name,
                words=words,
                runs=len(runs),
                ended=sum(run.ended for run in runs),
                state="now" if running and name == now else "done" if runs else "open",
                steps_done=sum(run.step for run in runs),
                steps=sum(run.steps for run in runs),
            )
        )
    return rows


def race_figure(service: Service, prescription_id: str) -> Figure:
    """The remaining loss of all candidates by round, with the unchanged experiment and the random control."""
    found = service.store.prescriptions.get(prescription_id)
    trials = service.store.prescriptions.trials(found.id)
    entrants = [_entrant("no remedy", runs_of(trials, BASELINE), reference=True)]
    entrants += (
        [_entrant("random control", runs_of(trials, CONTROL), reference=True)] if runs_of(trials, CONTROL) else []
    )
    entrants += [
        _entrant(f"{number}. {in_words(each.remedies)}", each.runs)
        for number, each in enumerate(candidates(trials), start=1)
    ]
    entrants = [each for each in entrants if each.left]
    if not entrants:
        raise InsufficientData("no run of this prescription has ended yet")
    return race(entrants, rounds=list(ROUNDS))


def _entrant(name: str, runs: Sequence[RunSummary], *, reference: bool = False) -> Entrant:
    left = [(round_of(run), value) for run in runs if (value := loss_left(run)) is not None]
    return Entrant(name, left, reference=reference)


def ranking_figure(service: Service, prescription_id: str) -> Figure:
    """The confirmation: cure, other finalists and random control compared with the baseline, on new seeds."""
    found = service.store.prescriptions.get(prescription_id)
    shown = found.report.comparison if found.report is not None else None
    if shown is None:
        raise InsufficientData("nothing has been confirmed on new seeds yet")
    names = {each.arm: in_words(each.remedies) for each in candidates(service.store.prescriptions.trials(found.id))}
    return ranking(replace(shown, arms=tuple(replace(arm, arm=names.get(arm.arm, arm.arm)) for arm in shown.arms)))


def report(service: Service, prescription_id: str) -> tuple[PrescriptionView, PrescriptionRuns, SavedFile]:
    """What the report of a prescription shows in addition to the page."""
    shown = one(service, prescription_id)
    found = shown.prescription
    runs = list(service.store.prescriptions.trials(found.id).values())
    at = f"/v1/figures/prescriptions/{found.id}"
    figures: Figures = {
        f"{at}/race": lambda: race_figure(service, found.id),
        f"{at}/ranking": lambda: ranking_figure(service, found.id),
    }
    facts = [("Prescription", found.id), *timestamps(found), *rule_sets(runs)]
    rows = [RunRow(run, filters.remedies(run.remedies) or "no remedy", condition_of(run)) for run in runs]
    return (
        shown,
        PrescriptionRuns(rows),
        saved_file("prescription", figures, facts=facts, labels=found.labels, runs=runs),
    )
