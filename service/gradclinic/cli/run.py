"""Commands that ask a service: run, study, compare, diagnose, catalogue."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.text import Text

from ..client import Clinic
from ..kernel.errors import InvalidSpec
from ..text.comparison import Ranking
from ..text.console import console_for, show
from ..text.diagnosis import diagnosis_words
from ..text.progress import following, metrics_line
from ..text.seeds import arm_lines, diagnoses_by_arm, study_diagnosis_words
from .options import AsJson, Url, print_json
from .specs import read_spec, with_experiment

Spec = Annotated[str, typer.Argument(metavar="SPEC", help="A JSON or YAML file, or - for standard input.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Return as soon as it is queued.")]


def run(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Train one experiment, and say what is wrong with it."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        queued = clinic.post("/v1/runs", body)
        found = clinic.get_run(queued["id"])
        if not no_wait:
            errors = console_for(stderr=True)
            with following(errors, what=found.id, steps=found.data["progress"]["steps"]) as follow:
                found.wait(progress=follow)
        if as_json:
            print_json(found.data)
        elif no_wait:
            typer.echo(f"{found.id} is {found.status}; {clinic.url}{found.data['urls']['page']}")
        else:
            _show_run(found.data, url=clinic.url)
        return 0 if no_wait or found.status == "succeeded" else 1


def study(spec: Spec, *, url: Url = None, as_json: AsJson = False, no_wait: NoWait = False) -> int:
    """Try remedies side by side, and rank them."""
    body = with_experiment(read_spec(spec))
    with Clinic(url) as clinic:
        found = clinic.post_study(body)
        if no_wait:
            if as_json:
                print_json(found.data)
            else:
                typer.echo(f"{found.id} is {found.status}; {clinic.url}{found.data['urls']['page']}")
            return 0
        progress = found.data["progress"]
        errors = console_for(stderr=True)
        with following(errors, what=found.id, steps=progress["steps"], runs=progress["runs"]) as follow:
            found.wait(progress=follow)
        comparison = found.comparison().data
        if as_json:
            print_json(comparison)
        else:
            _show_comparison(comparison, page=f"{clinic.url}{found.data['urls']['page']}")
        return 0 if found.status == "succeeded" else 1


def compare(
    study_or_runs: Annotated[list[str], typer.Argument(metavar="STUDY | RUN...", help="A study, or several runs.")],
    *,
    url: Url = None,
    baseline: Annotated[
        str | None, typer.Option(help="The run that the others are held against.", show_default="the first")
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="What the verdicts rest on.", show_default="validation loss")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Compare the arms of a study, or any runs."""
    options = {} if metric is None else {"metric": metric}
    with Clinic(url) as clinic:
        if study_or_runs[0].startswith("study_"):
            if len(study_or_runs) > 1:
                raise InvalidSpec.at("", "one study, or several runs", value=" ".join(study_or_runs))
            found = clinic.get_study(study_or_runs[0]).comparison(**options)
        else:
            if len(study_or_runs) < 2:
                raise InvalidSpec.at("", "a comparison needs a study, or at least two runs", value=study_or_runs[0])
            found = clinic.compare(study_or_runs, baseline=baseline or study_or_runs[0], **options)
        if as_json:
            print_json(found.data)
        else:
            study_id = found.data["study_id"]
            _show_comparison(found.data, page=f"{clinic.url}/studies/{study_id}" if study_id else None)
    return 0


def diagnose(
    run_or_study: Annotated[str, typer.Argument(metavar="RUN | STUDY", help="A run, or a study: all its seeds.")],
    *,
    url: Url = None,
    rule_set: Annotated[str | None, typer.Option(help="Judge again by these rules.")] = None,
    threshold: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="Judge again with this threshold; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Say what is wrong with a run, or with each arm of a study over its seeds: where, since when, how sure."""
    thresholds = numbers_by_name(threshold or [], what="threshold", form="NAME=VALUE")
    again = rule_set is not None or thresholds
    with Clinic(url) as clinic:
        if run_or_study.startswith("study_"):
            if again:
                raise InvalidSpec.at("", "a run can be judged again, a study cannot", value=run_or_study)
            comparison = clinic.get_study(run_or_study).comparison().data
            if as_json:
                print_json(dict(diagnoses_by_arm(comparison)))
            else:
                show(console_for(), study_diagnosis_words(comparison))
            return 0
        found = clinic.get_run(run_or_study)
        diagnosis = found.judge(rule_set=rule_set, thresholds=thresholds) if again else found.diagnosis()
        if as_json:
            print_json(diagnosis)
        else:
            data = {**found.data, "diagnosis": diagnosis}
            _show_run(data, url=clinic.url)
            if data["study_id"] is not None and not again:
                comparison = clinic.get_study(data["study_id"]).comparison().data
                seeds = arm_lines(comparison, arm=data["arm"], sweep_point=data["sweep_point"])
                show(console_for(), Text("\nAll seeds of its arm", style="bold"), *seeds)
    return 0


def catalogue(
    section: Annotated[str | None, typer.Argument(help="One section: models, layers, remedies, ...")] = None,
    *,
    url: Url = None,
    as_json: AsJson = False,
) -> int:
    """Show everything that a spec can name; without a service, what this installation knows."""
    found = _catalogue(url)
    if section is not None:
        if section not in found:
            raise InvalidSpec.at("", f"there is no section {section!r}", allowed=", ".join(found))
        found = {section: found[section]}
    if as_json:
        print_json(found)
        return 0
    console = console_for()
    for name, entries in found.items():
        widest = max((len(entry["kind"]) for entry in entries), default=0)
        show(console, Text(name, style="bold"))
        for entry in entries:
            show(console, Text(f"  {entry['kind']:<{widest}}  {entry['help']}"))
    return 0


def _catalogue(url: str | None) -> dict[str, Any]:
    if url is not None:
        with Clinic(url) as clinic:
            return clinic.catalogue()
    from ..use_cases.catalogue import catalogue as own

    return dict(own())


def numbers_by_name(given: list[str], *, what: str, form: str) -> dict[str, float]:
    """The numbers of an option that is given as NAME=VALUE, any number of times; raises InvalidSpec."""
    found = {}
    for each in given:
        name, separator, value = each.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            separator = ""
        if not separator:
            raise InvalidSpec.at("", f"{each!r} is no {what}", allowed=form)
    return found


def _show_run(data: Mapping[str, Any], *, url: str) -> None:
    console = console_for()
    name = f" ({data['name']})" if data["name"] else ""
    show(console, Text(f"{data['id']}{name}: {data['status']}", style="bold"))
    if data["status"] not in {"succeeded", "running", "queued"}:
        show(console, Text(f"  {data['reason']['text']}"))
    if data["origin"] == "service" and not data.get("repeatable", True):
        show(console, Text("  Its data set was deleted: it cannot be trained again."))
    if data["metrics"] is not None:
        show(console, Text(f"  {metrics_line(data['metrics'])}"))
    if data["diagnosis"] is not None:
        show(console, Text(""), diagnosis_words(data["diagnosis"], steps=data["progress"]["steps"]))
    show(console, Text(f"\n{url}{data['urls']['page']}", style="dim"))


def _show_comparison(comparison: Mapping[str, Any], *, page: str | None) -> None:
    console = console_for()
    show(console, Ranking(comparison))
    for arm in comparison["arms"]:
        show(console, Text(f"  {arm['rank']}  {arm['arm']}: {arm['reason']}"))
    lines = arm_lines(comparison)
    if lines:
        show(console, Text("\nWhat the seeds say", style="bold"), *lines)
    if page is not None:
        show(console, Text(f"\n{page}", style="dim"))
