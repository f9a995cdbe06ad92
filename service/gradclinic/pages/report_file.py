"""A page as one file that opens without a server: the page's own template, with charts, styles and nothing to ask for.

What the pages show is not told twice: the templates are theirs, and a chart is the figure at the address that the page
would ask. Nothing in the file leads to another place, and a policy in it forbids what might.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import jsonpatch
from markupsafe import Markup

from ..comparison.arms import BASELINE
from ..kernel.errors import InsufficientData, ServiceUnavailable
from ..store import Run
from ..use_cases.service import Service
from . import content
from . import prescription as prescriptions
from .drawing import can_draw
from .figure_data import condition_of, run_curves, run_heatmap, run_profile, study_map, study_profiles, study_ranking
from .figures import Figure
from .files import FOLDER
from .inline import inline

MOST_RUNS = 500
"""Rows of a study's table of runs; each is about half a kilobyte."""

Facts = Sequence[tuple[str, Any]]
Figures = Mapping[str, Callable[[], Figure]]


def run_report(service: Service, run_id: str) -> dict[str, Any]:
    """What the template of a run needs to become a file."""
    shown = content.run(service, run_id)
    run: Run = shown["run"]
    at = f"/v1/figures/runs/{run.id}"
    figures: Figures = {
        f"{at}/heatmap?scale=absolute": lambda: run_heatmap(service, run, scale="absolute"),
        f"{at}/heatmap?scale=relative": lambda: run_heatmap(service, run, scale="relative"),
        f"{at}/profile": lambda: run_profile(service, run),
        f"{at}/curves": lambda: run_curves(service, run),
    }
    diagnosis = shown["diagnosis"] or {}
    facts = [
        ("Run", run.id),
        ("Study", run.study_id),
        ("Prescription", shown["prescription"]),
        ("Seed", run.seed),
        ("Attempt", run.attempt),
        ("Rule set", diagnosis.get("rule_set")),
        *_made(run, run.started_at),
        *_where([run]),
    ]
    return {**shown, "kind": "run", "facts": _known(facts), "labels": run.labels, **_file(figures)}


def study_report(service: Service, study_id: str, *, metric: str) -> dict[str, Any]:
    """What the template of a study needs to become a file."""
    shown = content.study(service, study_id, metric=metric)
    study, runs = shown["study"], [row["run"] for row in shown["runs"]]
    at = f"/v1/figures/studies/{study.id}"
    figures: Figures = {
        f"{at}/ranking?metric={metric}": lambda: study_ranking(service, study.id, metric=metric),
        f"{at}/map?metric={metric}": lambda: study_map(service, study.id, metric=metric),
        f"{at}/profiles?at=start": lambda: study_profiles(service, study.id, at="start"),
        f"{at}/profiles?at=end": lambda: study_profiles(service, study.id, at="end"),
    }
    facts = [("Study", study.id), *_made(study), *_rule_sets(runs), *_where(runs)]
    return {
        **shown,
        "kind": "study",
        "metrics": (),
        "runs": shown["runs"][:MOST_RUNS],
        "more_runs": len(runs) - len(shown["runs"][:MOST_RUNS]),
        **_trained(runs),
        "environments": _environments(runs),
        "facts": _known(facts),
        "labels": study.labels,
        **_file(figures),
    }


def prescription_report(service: Service, prescription_id: str) -> dict[str, Any]:
    """What the template of a prescription needs to become a file."""
    shown = prescriptions.one(service, prescription_id)
    found = shown["prescription"]
    runs = list(service.store.prescriptions.trials(found.id).values())
    at = f"/v1/figures/prescriptions/{found.id}"
    figures: Figures = {
        f"{at}/race": lambda: prescriptions.race_figure(service, found.id),
        f"{at}/ranking": lambda: prescriptions.ranking_figure(service, found.id),
    }
    facts = [("Prescription", found.id), *_made(found), *_rule_sets(runs), *_where(runs)]
    return {
        **shown,
        "kind": "prescription",
        "runs": [{"run": run, "called": called, "condition": condition_of(run)} for called, run in _called(runs)],
        "environments": _environments(runs),
        "facts": _known(facts),
        "labels": found.labels,
        **_file(figures),
    }


def _file(figures: Figures) -> dict[str, Any]:
    if not can_draw():
        raise ServiceUnavailable("a report has charts, and this service cannot draw: it was installed without `ui`")
    return {
        "layout": "report.html",
        "saved": True,
        "chart": lambda address, label: _chart(figures, address, label),
        "made_at": datetime.now(UTC),
        "styles": Markup(styles()),  # noqa: S704  # our own files
        "policy": policy(),
        "icon": icon(),
    }


def _chart(figures: Figures, address: str, label: str) -> Markup:
    """The drawing of the figure at an address of the API, or the reason why there is none yet."""
    try:
        figure = figures[address]()
    except InsufficientData as why:
        return Markup('<p class="quiet">{}</p>').format(str(why))
    return inline(figure, name=f"c{list(figures).index(address)}", label=label)


def _made(found: Any, started_at: datetime | None = None) -> Facts:
    return [("Made", found.created_at), ("Started", started_at), ("Ended", found.ended_at)]


def _rule_sets(runs: Sequence[Run]) -> Facts:
    return [("Rule set", ", ".join(sorted({run.diagnosis["rule_set"] for run in runs if run.diagnosis})) or None)]


def _environments(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Each of the environments that runs were trained in, with the number of these runs; most of them first."""
    found = Counter(json.dumps(dict(run.environment), sort_keys=True) for run in runs if run.environment)
    return [{"runs": count, "environment": json.loads(facts)} for facts, count in found.most_common()]


def _where(runs: Sequence[Run]) -> Facts:
    """Where runs were trained, in a line for each environment; the whole fingerprint is among the documents."""
    lines = []
    for each in _environments(runs):
        facts = each["environment"]
        line = ", ".join(
            f"{name} {facts[name]}" for name in ("gradclinic", "torch", "python", "device") if name in facts
        )
        lines.append(line if len(runs) == 1 else f"{line} ({each['runs']} run{'s' if each['runs'] > 1 else ''})")
    return [("Trained with", "; ".join(dict.fromkeys(lines)) or None)]


def _trained(runs: Sequence[Run]) -> dict[str, Any]:
    """The experiment of a baseline run as it was trained, and what each arm changes of it, as JSON Patch."""
    reference = next((run for run in runs if run.arm == BASELINE), None)
    if reference is None:
        return {"trained": None, "changes": {}}
    beside = [run for run in runs if (run.seed, run.point) == (reference.seed, reference.point) and run != reference]
    changes = {
        str(run.arm): list(jsonpatch.make_patch(dict(reference.resolved_experiment), dict(run.resolved_experiment)))
        for run in beside
    }
    return {"trained": reference, "changes": changes}


def _called(runs: Sequence[Run]) -> list[tuple[str, Run]]:
    """The runs of a search, each by the remedies that it tried."""
    return [(prescriptions.all_words(run.remedies) or "as it is", run) for run in runs]


def _known(facts: Facts) -> Facts:
    return [(name, value) for name, value in facts if value is not None]


@lru_cache(maxsize=1)
def styles() -> str:
    """The pages' style sheet, and what a file and a sheet of paper need beside it."""
    return "".join((FOLDER / name).read_text("utf-8") for name in ("app.css", "report.css"))


@lru_cache(maxsize=1)
def policy() -> str:
    """Lets in what is in the file: its one style sheet, and pictures that are spelled out."""
    digest = base64.b64encode(hashlib.sha256(styles().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'; base-uri 'none'"


@lru_cache(maxsize=1)
def icon() -> str:
    """The icon as an address that is its own content."""
    return f"data:image/svg+xml;base64,{base64.b64encode((FOLDER / 'icon.svg').read_bytes()).decode()}"
