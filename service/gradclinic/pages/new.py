"""The page on which a request is made: a form and its JSON side by side, checked each time that they change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from ..api.http.access import is_from_own_page
from ..api.http.body import parse
from ..api.http.dependencies import TheService
from ..api.http.plain_json import dump
from ..api.http.validation import problems_from
from ..experiments.experiment import Experiment
from ..kernel.errors import Forbidden, GradclinicError, InvalidRequest, Problem
from ..kernel.json import JsonObject
from ..kernel.json_schema import Schema
from ..kernel.registry import tag_of
from ..kernel.spec import Spec, first_line
from ..remedies import REMEDIES, Remedy
from ..remedies.words import in_words
from ..schemas.requests.run import RunRequest
from ..theory import Prediction
from ..use_cases.experiment import Resolved, resolve
from ..use_cases.service import Service
from .examples import EXPERIMENT
from .figures import Figure, Line, profile
from .form import Field, changed, fields_of, is_text
from .rendering import page_router, render
from .request_kinds import KINDS, Kind, RequestKind
from .request_source import request_from
from .run import slope_in_words
from .ways import Ways, ways_of

MOST_BASELINES = 200
MOST_PROBLEMS = 50
"""Problems that are described, as in an answer of the API."""
MOST_LETTERS = 200_000
"""Letters of a request that the page takes; it shows a request in several forms. The API takes longer ones."""
LEAST_LOG10 = -300.0
"""Predicted gradients are drawn down to 10 to this power."""

router = page_router()


@dataclass(frozen=True)
class Draft:
    """A request as it is being made."""

    kind: RequestKind
    body: JsonObject
    text: str = ""
    """The JSON as it was typed, if it is none."""
    misread: str = ""
    """Why the text is no JSON object."""


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

    kind: RequestKind
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
    kinds: Sequence[RequestKind] = tuple(KINDS.values())


@router.get("/new")
def show(
    service: TheService,
    request: Request,
    kind: Kind = "run",
    source: Annotated[str | None, Query(alias="from", max_length=40, pattern=r"^[a-z]+_[A-Za-z0-9]+$")] = None,
) -> HTMLResponse:
    """An example to begin with, or the request of something that exists, to be changed."""
    if source is None:
        body: JsonObject = _carried(KINDS[kind], {"experiment": EXPERIMENT, "seeds": [0, 1, 2]})
        if kind == "check" and (pinned := _baselines(service)):
            body = {"baseline": pinned[0], **body}
    else:
        kind, body = request_from(service, source)
        if (letters := len(_written(body))) > MOST_LETTERS:
            raise InvalidRequest.at("", _too_long(letters))
    return _page(view_of(service, Draft(KINDS[kind], body), url=_url(request)))


@router.post("/new")
async def change(service: TheService, request: Request) -> Response:
    """The page after a change of the form or its JSON. Nothing is stored or queued."""
    given = await _given(request)
    return await run_in_threadpool(_changed_page, service, request, given)


@router.post("/new/start")
async def start(service: TheService, request: Request) -> Response:
    """Submit the request, and lead to the page of what it made; the form with its problems if it has any."""
    given = await _given(request)
    return await run_in_threadpool(_started, service, request, given)


async def _given(request: Request) -> Sequence[tuple[str, str]]:
    """The fields of the form; raises Forbidden if they come from a page that is not of this session."""
    form = await request.form(max_files=0)
    given = [(name, text) for name, text in form.multi_items() if isinstance(text, str)]
    if not is_from_own_page(dict(given).get("csrf", "")):
        raise Forbidden("The form has expired. Open the page again.")
    return given


def _changed_page(service: Service, request: Request, given: Sequence[tuple[str, str]]) -> Response:
    return _page(view_of(service, _draft(given), url=_url(request)))


def _started(service: Service, request: Request, given: Sequence[tuple[str, str]]) -> Response:
    draft = _draft(given)
    if draft.misread:
        return _page(view_of(service, draft, url=_url(request)))
    try:
        made = draft.kind.submit(service, draft.kind.spec.model_validate(draft.body))
    except (ValidationError, GradclinicError):
        view = view_of(service, draft, url=_url(request))
        if not view.wrong:  # it is not the request that is at fault
            raise
        return _page(view)
    return RedirectResponse(made, 303)


def _draft(given: Sequence[tuple[str, str]]) -> Draft:
    """What a form asks for: its JSON if that was changed, or else the request before with its fields."""
    fields = dict(given)
    kind = KINDS.get(fields.get("kind", ""), KINDS["run"])
    # Fields may have made it longer than the page would take at once.
    before, misread = _read(fields.get("before", ""), most=2 * MOST_LETTERS)
    if misread:
        return Draft(kind, {}, misread=misread)
    text = fields.get("json", "").replace("\r\n", "\n")
    if text.strip() and text.strip() != fields.get("before", "").replace("\r\n", "\n").strip():
        body, misread = _read(text)
        if misread:
            return Draft(kind, before, text=text[:MOST_LETTERS], misread=misread)
        return Draft(kind, _carried(kind, body))
    body = changed(_schema_of(kind.spec), _carried(kind, before), given)
    if "ticks" in fields and kind.name == "study":
        body = _with_arms(body, {remedy for name, remedy in given if name == "arm"})
    return Draft(kind, body)


def _page(view: NewView) -> HTMLResponse:
    return render("new.html", view)


def _url(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def view_of(service: Service, draft: Draft, *, url: str) -> NewView:
    """The page for a request, which may not be valid yet."""
    kind, body = draft.kind, draft.body
    resolved = _resolved(service, body)
    runs, found = _examined(service, kind, body, resolved)
    words: dict[str, str] = {}
    for problem in found:
        said = problem.message + (f" (allowed: {problem.allowed})" if problem.allowed else "")
        words[problem.pointer] = "; ".join(filter(None, (words.get(problem.pointer), said)))
    fields, elsewhere = fields_of(_schema_of(kind.spec), body, words)
    preview = None if resolved is None else _preview(resolved)
    shown = _written(body)
    return NewView(
        kind=kind,
        fields=fields,
        text=draft.text or shown,
        before=shown,
        misread=draft.misread,
        problems=[(pointer, words[pointer]) for pointer in elsewhere],
        wrong=len(words) + bool(draft.misread),
        preview=preview,
        runs=runs,
        ticks=_ticks(body, preview) if kind.name == "study" else (),
        baselines=_baselines(service) if kind.name == "check" else (),
        ways=ways_of(url, kind.name, kind.path, body, with_key=service.settings.access == "required"),
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


def _carried(kind: RequestKind, body: JsonObject) -> JsonObject:
    """What of a request also belongs to this kind of request; the seeds of a check are those of its baseline."""
    left = {"seeds"} if kind.name == "check" and "baseline" not in body else set()
    known = kind.spec.model_fields.keys() - left
    return {key: value for key, value in body.items() if key in known or key not in _ALL_KEYS}


_ALL_KEYS = frozenset(key for kind in KINDS.values() for key in kind.spec.model_fields)


@cache
def _schema_of(spec: type[Spec]) -> Schema:
    return spec.model_json_schema()


def _examined(
    service: Service, kind: RequestKind, body: JsonObject, resolved: Resolved | None
) -> tuple[int | None, Sequence[Problem]]:
    """The number of runs of a request, or its problems: those that posting it would report."""
    try:
        return kind.examine(service, kind.spec.model_validate(body), resolved), ()
    except ValidationError as error:
        errors = error.errors(include_url=False)[:MOST_PROBLEMS]
        return None, problems_from(errors, body=body, schema=_schema_of(kind.spec))
    except InvalidRequest as error:
        return None, error.problems[:MOST_PROBLEMS]
    except GradclinicError as error:
        return None, [Problem("/baseline" if kind.name == "check" else "", str(error))]


def _resolved(service: Service, body: JsonObject) -> Resolved | None:
    """The experiment with the remedies of a run; None if it is not valid."""
    try:
        asked = RunRequest.model_validate({key: body[key] for key in ("experiment", "remedies") if key in body})
        return resolve(service, asked.experiment, asked.remedies)
    except (ValidationError, GradclinicError):
        return None


def _preview(resolved: Resolved) -> Preview:
    """What is known of the experiment before it is trained."""
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
