"""A page as one file that opens without a server: the page's own template, with charts, styles and nothing to ask for.

What the pages show is not told twice: the templates are theirs, and a chart is the figure at the address that the page
would ask. Nothing in the file leads to another place, and a policy in it forbids what might.
"""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from markupsafe import Markup

from ..kernel.errors import InsufficientData, ServiceUnavailable
from ..kernel.json import JsonObject
from ..store import Prescription, RunSummary, Study
from .drawing import can_draw
from .figures import Figure
from .files import FOLDER
from .inline import inline

Facts = Sequence[tuple[str, str | int | datetime | None]]
Figures = Mapping[str, Callable[[], Figure]]


@dataclass(frozen=True, kw_only=True)
class SavedFile:
    """What the template of a report shows beside what the page shows."""

    kind: str
    facts: Facts
    labels: Mapping[str, str]
    environments: Sequence[JsonObject]
    """Each of the environments that its runs were trained in, with the number of these runs."""
    chart: Callable[[str, str], Markup]
    """The drawing of the figure at an address, with a label for whom cannot see it."""
    made_at: datetime
    styles: Markup
    policy: str
    icon: str
    layout: str = "report.html"
    saved: bool = True


def saved_file(
    kind: str, figures: Figures, *, facts: Facts, labels: Mapping[str, str], runs: Sequence[RunSummary]
) -> SavedFile:
    """A file about runs, with the facts that have a value; raises ServiceUnavailable."""
    if not can_draw():
        raise ServiceUnavailable("a report has charts, and this service cannot draw: it was installed without `ui`")
    environments = _environments(runs)
    known = [*facts, ("Trained with", _in_words(environments, single=len(runs) == 1) or None)]
    return SavedFile(
        kind=kind,
        facts=[(name, value) for name, value in known if value is not None],
        labels=labels,
        environments=[{"runs": count, "environment": environment} for environment, count in environments],
        chart=lambda address, label: _chart(figures, address, label),
        made_at=datetime.now(UTC),
        styles=Markup(styles()),  # noqa: S704  # our own files
        policy=policy(),
        icon=icon(),
    )


def _chart(figures: Figures, address: str, label: str) -> Markup:
    """The drawing of the figure at an address of the API, or the reason why there is none yet."""
    try:
        figure = figures[address]()
    except InsufficientData as why:
        return Markup('<p class="quiet">{}</p>').format(str(why))
    return inline(figure, name=f"c{list(figures).index(address)}", label=label)


def timestamps(found: RunSummary | Study | Prescription, started_at: datetime | None = None) -> Facts:
    """When it was created, started and ended."""
    return [("Made", found.created_at), ("Started", started_at), ("Ended", found.ended_at)]


def rule_sets(runs: Sequence[RunSummary]) -> Facts:
    """The rules that runs were judged by."""
    return [("Rule set", ", ".join(sorted({run.diagnosis.rule_set for run in runs if run.diagnosis})) or None)]


def _environments(runs: Sequence[RunSummary]) -> Sequence[tuple[JsonObject, int]]:
    """Each of the environments that runs were trained in, with the number of these runs; most of them first."""
    found = Counter(json.dumps(dict(run.environment), sort_keys=True) for run in runs if run.environment)
    return [(json.loads(environment), count) for environment, count in found.most_common()]


def _in_words(environments: Sequence[tuple[JsonObject, int]], *, single: bool) -> str:
    """Where runs were trained, in a line for each environment; the whole fingerprint is among the documents."""
    lines = []
    for environment, count in environments:
        named = (name for name in ("gradclinic", "torch", "python", "device") if name in environment)
        line = ", ".join(f"{name} {environment[name]}" for name in named)
        lines.append(line if single else f"{line} ({count} run{'s' if count > 1 else ''})")
    return "; ".join(dict.fromkeys(lines))


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
