"""Saves a page as one self-contained HTML file: the page's own template with embedded charts and styles.

Nothing is implemented twice: templates are those of the pages, and a chart is the figure at the URL that the page
would request. The file loads nothing from other places, which its content security policy enforces.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache

from markupsafe import Markup

from ..kernel.errors import InsufficientData, ServiceUnavailable
from ..kernel.json import JsonObject
from ..store import Prescription, RunSummary, Study
from .drawing import can_draw, fits
from .figures import Figure
from .files import FOLDER
from .inline import inline

Facts = Sequence[tuple[str, str | int | datetime | None]]
Figures = Mapping[str, Callable[[], Figure]]


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """What a report shows in addition to the page."""

    kind: str
    facts: Facts
    labels: Mapping[str, str]
    environments: Sequence[JsonObject]
    """Each of the environments that its runs were trained in, with the number of these runs."""
    chart: Callable[[str, str], Markup]
    """The drawing of the figure at a URL path, with a label for screen readers."""
    made_at: datetime
    styles: Markup
    policy: str
    icon: str
    layout: str = "report.html"
    saved: bool = True


def saved_file(
    kind: str, figures: Figures, *, facts: Facts, labels: Mapping[str, str], runs: Sequence[RunSummary]
) -> SavedFile:
    """Render a report about runs; facts without a value are left out. Raises ServiceUnavailable."""
    if not can_draw():
        raise ServiceUnavailable(
            "this service cannot draw the charts of a report; install: pip install 'gradclinic[ui]'"
        )
    environments = _environments(runs)
    known = [*facts, ("Trained with", _in_words(environments, single=len(runs) == 1) or None)]
    return SavedFile(
        kind=kind,
        facts=[(name, value) for name, value in known if value is not None],
        labels=labels,
        environments=[{"runs": count, "environment": environment} for environment, count in environments],
        chart=lambda address, label: _chart(figures, address, label),
        made_at=datetime.now(timezone.utc),
        styles=Markup(styles()),  # noqa: S704  # our own files
        policy=policy(),
        icon=icon(),
    )


def _chart(figures: Figures, address: str, label: str) -> Markup:
    """The drawing of the figure at a URL path of the API, or the reason why there is none yet."""
    try:
        figure = figures[address]()
    except InsufficientData as why:
        return Markup('<p class="quiet">{}</p>').format(str(why))
    if not fits(figure):
        return Markup('<p class="quiet">This figure has too many rows for a file. The service shows it.</p>')
    return inline(figure, name=f"c{list(figures).index(address)}", label=label)


def timestamps(found: RunSummary | Study | Prescription, started_at: datetime | None = None) -> Facts:
    """When it was created, started and ended."""
    return [("Created", found.created_at), ("Started", started_at), ("Ended", found.ended_at)]


def rule_sets(runs: Sequence[RunSummary]) -> Facts:
    """The rule sets that diagnosed the runs."""
    return [("Rule set", ", ".join(sorted({run.diagnosis.rule_set for run in runs if run.diagnosis})) or None)]


def _environments(runs: Sequence[RunSummary]) -> Sequence[tuple[JsonObject, int]]:
    """All training environments with their number of runs, most frequent first."""
    found = Counter(json.dumps(dict(run.environment), sort_keys=True) for run in runs if run.environment)
    return [(json.loads(environment), count) for environment, count in found.most_common()]


def _in_words(environments: Sequence[tuple[JsonObject, int]], *, single: bool) -> str:
    """A short form of the training environments; the report's documents have the full fingerprints."""
    lines = []
    for environment, count in environments:
        named = (name for name in ("gradclinic", "torch", "python", "device") if name in environment)
        line = ", ".join(f"{name} {environment[name]}" for name in named)
        lines.append(line if single else f"{line} ({count} run{'s' if count > 1 else ''})")
    return "; ".join(dict.fromkeys(lines))


@lru_cache(maxsize=1)
def styles() -> str:
    """The pages' style sheet, with additions for saved files and printing."""
    return "".join((FOLDER / name).read_text("utf-8") for name in ("app.css", "report.css"))


@lru_cache(maxsize=1)
def policy() -> str:
    """Content security policy: only the embedded style sheet and embedded images are allowed."""
    digest = base64.b64encode(hashlib.sha256(styles().encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'; base-uri 'none'"


@lru_cache(maxsize=1)
def icon() -> str:
    """The icon as a data URL."""
    return f"data:image/svg+xml;base64,{base64.b64encode((FOLDER / 'icon.svg').read_bytes()).decode()}"
