"""The command that compares the arms of a study, or any runs: compare."""

from typing import Annotated

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..schemas.comparison import ComparisonAnswer
from ..text.comparison import Ranking
from ..text.console import console_for, show
from ..text.seeds import arm_lines
from .options import AsJson, Url, print_json


def compare(
    study_or_runs: Annotated[list[str], typer.Argument(metavar="STUDY | RUN...", help="A study, or several runs.")],
    *,
    url: Url = None,
    baseline: Annotated[
        str | None, typer.Option(help="The run that the others are compared with.", show_default="the first")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="The metric that decides the verdicts.", show_default="validation loss")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Compare the arms of a study, or any runs."""
    options = {} if metric is None else {"metric": metric}
    with Clinic(url) as clinic:
        if study_or_runs[0].startswith("study_"):
            if len(study_or_runs) > 1:
                raise InvalidSpec.at("", "compare either one study or several runs", value=" ".join(study_or_runs))
            found = clinic.get_study(study_or_runs[0]).comparison(**options)
        else:
            if len(study_or_runs) < 2:
                raise InvalidSpec.at("", "a comparison needs a study, or at least two runs", value=study_or_runs[0])
            found = clinic.compare(study_or_runs, baseline=baseline or study_or_runs[0], **options)
        if as_json:
            print_json(found.answer.document)
        else:
            study_id = found.answer.study_id
            show_comparison(found.answer, page=f"{clinic.url}/studies/{study_id}" if study_id else None)
    return 0


def show_comparison(comparison: ComparisonAnswer, *, page: str | None) -> None:
    """Show the ranking, the reasons for the verdicts, and the diagnoses over the seeds."""
    console = console_for()
    show(console, Ranking(comparison))
    for arm in comparison.arms:
        show(console, Text(f"  {arm.rank}  {arm.arm}: {arm.reason}"))
    lines = arm_lines(comparison)
    if lines:
        show(console, Text("\nDiagnoses over all seeds", style="bold"), *lines)
    if page is not None:
        show(console, Text(f"\n{page}", style="dim"))
