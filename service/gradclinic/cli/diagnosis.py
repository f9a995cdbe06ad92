"""The command that diagnoses a run or a study: diagnose."""

from typing import Annotated

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..text.console import console_for, show
from ..text.run import run_words
from ..text.seeds import arm_lines, study_diagnosis_words
from .options import AsJson, Url, numbers_by_name, print_json


def diagnose(
    run_or_study: Annotated[str, typer.Argument(metavar="RUN | STUDY", help="A run, or a study with all its seeds.")],
    *,
    url: Url = None,
    rule_set: Annotated[str | None, typer.Option(help="Diagnose again with this rule set.")] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Diagnose again with this threshold; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Diagnose a run, or each arm of a study over its seeds: conditions, layers, onset and confidence."""
    thresholds = numbers_by_name(threshold or [], what="threshold", form="NAME=VALUE")
    again = rule_set is not None or thresholds
    with Clinic(url) as clinic:
        if run_or_study.startswith("study_"):
            if again:
                raise InvalidSpec.at("", "only a run can be diagnosed again, not a study", value=run_or_study)
            comparison = clinic.get_study(run_or_study).comparison().answer
            if as_json:
                print_json(_diagnoses(comparison.document))
            else:
                show(console_for(), study_diagnosis_words(comparison))
            return 0
        found = clinic.get_run(run_or_study)
        diagnosis = found.judge(rule_set=rule_set, thresholds=thresholds) if again else found.diagnosis()
        if as_json:
            print_json(diagnosis.document)
        else:
            answer = found.answer
            show(console_for(), run_words(answer, diagnosis, page=found.page))
            if answer.study_id is not None and not again:
                comparison = clinic.get_study(answer.study_id).comparison().answer
                seeds = arm_lines(comparison, arm=answer.arm, sweep_point=answer.sweep_point)
                show(console_for(), Text("\nAll seeds of its arm", style="bold"), *seeds)
    return 0


def _diagnoses(comparison: JsonObject) -> JsonObject:
    """The diagnoses over the seeds of the baseline and of each arm, by arm name, as JSON."""
    by_arm = {arm["arm"]: arm["diagnoses"] for arm in comparison["arms"]}
    return {comparison["baseline"]: comparison["baseline_diagnoses"], **by_arm}
