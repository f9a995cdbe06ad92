"""The page on which a request is made: a form and its JSON side by side, checked each time that they change."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from fastapi.responses import HTMLResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..api.http.body import parse
from ..api.http.dependencies import TheService
from ..api.http.plain_json import dump
from ..api.http.validation import problems_from
from ..experiments.experiment import Experiment
from ..kernel.errors import GradclinicError, InvalidRequest, Problem
from ..kernel.json import JsonObject
from ..kernel.json_schema import Schema
from ..kernel.registry import tag_of
from ..kernel.spec import Spec, first_line
from ..remedies import REMEDIES, Remedy
from ..remedies.words import in_words
from ..schemas.requests.check import CheckRequest
from ..schemas.requests.prescription import PrescriptionRequest
from ..schemas.requests.run import RunRequest
from ..schemas.requests.study import StudyRequest
from ..theory import Prediction
from ..use_cases.check import examine
from ..use_cases.experiment import Resolved, resolve
from ..use_cases.prescription import examine_prescription
from ..use_cases.service import Service
from ..use_cases.study import examine_study
from .examples import EXPERIMENT
from .figures import Figure, Line, profile
from .form import Field, changed, fields_of, is_text
from .rendering import page_router, render
from .request_source import request_from
from .run import slope_in_words
from .ways import Ways, ways_of

Kind = Literal["run", "study", "prescription", "check"]

MOST_BASELINES = 200
MOST_PROBLEMS = 50
"""Problems that are described, as in an answer of the API."""
MOST_LETTERS = 200_000
"""Letters of a request that the page takes; it shows a request in several forms. The API takes longer ones."""
LEAST_LOG10 = -300.0
"""Predicted gradients are drawn down to 10 to this power."""

router = page_router()


@dataclass(frozen=True)
class Form:
    """A kind of request, and where it is sent."""

    kind: Kind
    title: str
    words: str
    path: str
    spec: type[Spec]


FORMS: Mapping[str, Form] = {
    each.kind: each
    for each in (
        Form("run", "Run", "Train one network, and diagnose it.", "/v1/runs", RunRequest),
        Form("study", "Study", "Compare remedies on the same data and seeds.", "/v1/studies", StudyRequest),
        Form("prescription", "Cure", "Search for remedies that cure it.", "/v1/prescriptions", PrescriptionRequest),
        Form("check", "Check", "Test it against a baseline.", "/v1/checks", CheckRequest),
    )
}


@dataclass(frozen=True)
class Tick:
    """A remedy that can be ticked to become an arm of a study."""

    kind: str
    words: str
    help: str
    ticked: bool
    refused: str
    """Why it does not apply to the experiment."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What is known of an experiment before it is trained."""

    resolved: Resolved
    prediction: Prediction
    slope: str | None
    """The predicted gradient decay as a sentence."""
    figure: str
    """The predicted profile as the JSON of a figure; empty if there is none."""
    warnings: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class NewView:
    """What the page shows."""

    form: Form
    fields: Sequence[Field]
    text: str
    """The JSON that people see and change."""
    before: str
    """The JSON that the fields show."""
    misread: str
    """Why the text is no JSON object."""
    problems: Sequence[tuple[str, str]]
    """Place and words of problems that no field shows."""
    wrong: int
    """Number of all problems."""
    preview: Preview | None
    runs: int | None
    """Number of runs that the request would queue; None if that depends on their results."""
    ticks: Sequence[Tick]
    baselines: Sequence[str]
    ways: Ways
    forms: Sequence[Form] = tuple(FORMS.values())


@router.get("/new")
def show(
    service: TheService,
    request: Request,
    kind: Kind = "run",
    source: Annotated[str | None, Query(alias="from", max_length=40, pattern=r"^[a-z]+_[A-Za-z0-9]+$")] = None,
) -> HTMLResponse:
    """An example to begin with, or the request of something that exists, to be changed."""
    if source is None:
        body: JsonObject = _carried(FORMS[kind], {"experiment": EXPERIMENT, "seeds": [0, 1, 2]})
    else:
        kind, body = request_from(service, source)
        if (letters := len(_written(body))) > MOST_LETTERS:
            raise InvalidRequest.at("", _too_long(letters))
    return _page(service, request, FORMS[kind], body)


@router.post("/new")
async def change(service: TheService, request: Request) -> HTMLResponse:
    """The page after a change of the form or its JSON. Nothing is stored or queued."""
    form = await request.form(max_files=0)
    submitted = [(name, text) for name, text in form.multi_items() if isinstance(text, str)]
    return await run_in_threadpool(_changed_page, service, request, submitted)


def _changed_page(service: Service, request: Request, submitted: Sequence[tuple[str, str]]) -> HTMLResponse:
    given = dict(submitted)
    chosen = FORMS.get(given.get("kind", ""), FORMS["run"])
    # Fields may have made it longer than the page would take at once.
    before, misread = _read(given.get("before", ""), most=2 * MOST_LETTERS)
    if misread:
        return _page(service, request, chosen, {}, misread=misread)
    text = given.get("json", "").replace("\r\n", "\n")
    if text.strip() and text.strip() != given.get("before", "").replace("\r\n", "\n").strip():
        body, misread = _read(text)
        if not misread:
            return _page(service, request, chosen, _carried(chosen, body))
        return _page(service, request, chosen, before, text=text[:MOST_LETTERS], misread=misread)
    body = changed(_schema_of(chosen.spec), _carried(chosen, before), submitted)
    if "ticks" in given and chosen.kind == "study":
        body = _with_arms(body, {kind for name, kind in submitted if name == "arm"})
    return _page(service, request, chosen, body)


def _page(
    service: Service, request: Request, chosen: Form, body: JsonObject, *, text: str = "", misread: str = ""
) -> HTMLResponse:
    url = str(request.base_url).rstrip("/")
    return render("new.html", view_of(service, chosen, body, url=url, text=text, misread=misread))


def view_of(service: Service, form: Form, body: JsonObject, *, url: str, text: str = "", misread: str = "") -> NewView:
    """The page for a request, which may not be valid yet."""
    runs, found = _examined(service, form, body)
    words: dict[str, str] = {}
    for problem in found:
        said = problem.message + (f" (allowed: {problem.allowed})" if problem.allowed else "")
        words[problem.pointer] = "; ".join(filter(None, (words.get(problem.pointer), said)))
    fields, elsewhere = fields_of(_schema_of(form.spec), body, words)
    preview = _preview(service, body)
    shown = _written(body)
    return NewView(
        form=form,
        fields=fields,
        text=text or shown,
        before=shown,
        misread=misread,
        problems=[(pointer, words[pointer]) for pointer in elsewhere],
        wrong=len(words) + bool(misread),
        preview=preview,
        runs=runs,
        ticks=_ticks(body, preview) if form.kind == "study" else (),
        baselines=_baselines(service) if form.kind == "check" else (),
        ways=ways_of(url, form.kind, form.path, body, with_key=service.settings.access == "required"),
    )


def _read(text: str, *, most: int = MOST_LETTERS) -> tuple[JsonObject, str]:
    """The object that a text contains, or why it contains none that the page takes."""
    try:
        body = parse(text.encode())
    except HTTPException as error:
        return {}, str(error.detail).replace("The body", "This")
    if not isinstance(body, dict):
        return {}, "This is not a JSON object."
    if not is_text(body):
        return {}, "This has an escape (\\ud800 to \\udfff) that is half of a character."
    return (body, "") if (letters := len(_written(body))) <= most else ({}, _too_long(letters))


def _written(body: JsonObject) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def _too_long(letters: int) -> str:
    return f"This request has {letters:,} letters; the page takes {MOST_LETTERS:,}. Post longer ones to the API."


def _carried(form: Form, body: JsonObject) -> JsonObject:
    """What of a request also belongs to this kind of request; the seeds of a check are those of its baseline."""
    left = {"seeds"} if form.kind == "check" and "baseline" not in body else set()
    known = form.spec.model_fields.keys() - left
    return {key: value for key, value in body.items() if key in known or key not in _ALL_KEYS}


_ALL_KEYS = frozenset(key for form in FORMS.values() for key in form.spec.model_fields)


@cache
def _schema_of(spec: type[Spec]) -> Schema:
    return spec.model_json_schema()


def _examined(service: Service, form: Form, body: JsonObject) -> tuple[int | None, Sequence[Problem]]:
    """The number of runs of a request, or its problems: those that posting it would report."""
    try:
        return _EXAMINE[form.kind](service, form.spec.model_validate(body)), ()
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MOST_PROBLEMS]
        return None, problems_from(errors, body=body, schema=_schema_of(form.spec))
    except InvalidRequest as error:
        return None, error.problems[:MOST_PROBLEMS]
    except GradclinicError as error:
        return None, [Problem("/baseline" if form.kind == "check" else "", str(error))]


def _examine_run(service: Service, spec: Any) -> int:
    resolve(service, spec.experiment, spec.remedies)
    return 1


def _examine_prescription(service: Service, spec: Any) -> int | None:
    examine_prescription(service, spec)
    return None


_EXAMINE: Mapping[str, Callable[[Service, Any], int | None]] = {
    "run": _examine_run,
    "study": lambda service, spec: len(examine_study(service, spec)),
    "prescription": _examine_prescription,
    "check": examine,
}


def _preview(service: Service, body: JsonObject) -> Preview | None:
    """What is known of the experiment, with the remedies of a run; None if it is not valid."""
    try:
        asked = RunRequest.model_validate({key: body[key] for key in ("experiment", "remedies") if key in body})
        resolved = resolve(service, asked.experiment, asked.remedies)
    except (ValidationError, GradclinicError):
        return None
    prediction = resolved.prediction()
    return Preview(
        resolved=resolved,
        prediction=prediction,
        slope=slope_in_words(prediction.depth_slope, None),
        figure=dump(_figure(prediction)).decode() if prediction.sites else "",
        warnings=resolved.warnings(),
    )


def _figure(prediction: Prediction) -> Figure:
    sites = prediction.sites
    values = [10 ** max(LEAST_LOG10, min(-LEAST_LOG10, site.log10_relative_gradient)) for site in sites]
    line = Line("predicted before the first step", [site.name for site in sites], values)
    return profile([line], title="Predicted gradient by depth", unit="relative to the last layer")


def _baselines(service: Service) -> Sequence[str]:
    return [each.name for each in service.store.baselines.page(limit=MOST_BASELINES).items]


def _ticks(body: JsonObject, preview: Preview | None) -> list[Tick]:
    ticked = {_alone(arm) for arm in _arms(body)}
    experiment = preview.resolved.experiment if preview is not None else None
    return [
        Tick(kind, in_words({"kind": kind}), first_line(cls), kind in ticked, _refused(cls, experiment))
        for kind, cls in REMEDIES.items()
    ]


def _refused(cls: type[Remedy], experiment: Experiment | None) -> str:
    """Why a remedy does not apply; empty if it does, or if it needs values that only people can choose."""
    if experiment is None:
        return ""
    try:
        cls.model_validate({"kind": tag_of(cls)}).apply(experiment)
    except InvalidRequest as error:
        return error.problems[0].message
    except ValidationError:
        return ""
    return ""


def _arms(body: JsonObject) -> list[object]:
    arms = body.get("arms")
    return list(arms) if isinstance(arms, list) else []


def _alone(arm: object) -> str | None:
    """The kind of the remedy that an arm consists of; None if it is anything else."""
    remedies = arm.get("remedies") if isinstance(arm, Mapping) else None
    only = remedies[0] if isinstance(remedies, list) and len(remedies) == 1 else None
    return str(only.get("kind")) if isinstance(only, Mapping) else None


def _with_arms(body: JsonObject, ticked: set[str]) -> JsonObject:
    """The study with an arm for each ticked remedy; arms of other remedies than single ones stay."""
    arms = [arm for arm in _arms(body) if _alone(arm) not in REMEDIES or _alone(arm) in ticked]
    names = {arm.get("name") for arm in arms if isinstance(arm, Mapping)}
    for kind in REMEDIES:
        if kind in ticked and kind not in {_alone(arm) for arm in arms}:
            name = in_words({"kind": kind})
            arms.append({"name": name if name not in names else kind, "remedies": [{"kind": kind}]})
    return {**body, "arms": arms} if arms or "arms" in body else body
