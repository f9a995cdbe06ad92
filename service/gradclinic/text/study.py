"""Studies as text: a table of several, a line about one."""

from collections.abc import Sequence

from rich import box
from rich.table import Table

from ..kernel.status import ENDED
from ..schemas.study import StudyAnswer


def studies_table(studies: Sequence[StudyAnswer]) -> Table:
    """A table with one line per study, in the given order."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("study", no_wrap=True, min_width=32)
    table.add_column("name", max_width=16, overflow="ellipsis", no_wrap=True)
    table.add_column("status", no_wrap=True)
    table.add_column("runs", justify="right", no_wrap=True)
    table.add_column("arms", overflow="ellipsis", no_wrap=True)
    table.add_column("created, UTC", no_wrap=True)
    for each in studies:
        arms = ", ".join(str(arm["name"]) for arm in each.arms[1:]) or "-"
        table.add_row(each.id, each.name or "-", each.status, _runs(each), arms, f"{each.created_at:%m-%d %H:%M}")
    return table


def study_line(study: StudyAnswer) -> str:
    """The status of a study, and how many of its runs have ended."""
    name = f" ({study.name})" if study.name else ""
    return f"{study.id}{name}: {study.status}, {_runs(study)} runs have ended"


def _runs(study: StudyAnswer) -> str:
    ended = sum(study.progress.by_status.get(status, 0) for status in ENDED)
    return f"{ended} of {study.progress.runs}"
