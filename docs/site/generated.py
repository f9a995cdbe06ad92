"""The pages of the site that are made from the code: each condition, each remedy, the API, and two figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from difflib import unified_diff
from pathlib import Path
from typing import Any

from properdocs.config.defaults import ProperDocsConfig
from properdocs.structure.files import File, Files
from pydantic import ValidationError

from gradclinic.diagnosis import Thresholds
from gradclinic.diagnosis.rules import RULES
from gradclinic.diagnosis.rules.base import Rule
from gradclinic.experiments.experiment import Experiment
from gradclinic.experiments.listing import listing
from gradclinic.kernel.errors import InvalidRequest
from gradclinic.kernel.json_schema import Schema, phrase, resolved
from gradclinic.kernel.spec import first_line
from gradclinic.pages.catalogue import parameters_of
from gradclinic.pages.drawing import draw
from gradclinic.pages.figures import Line, profile
from gradclinic.remedies import REMEDIES, Remedy
from gradclinic.remedies.evidence import Tally, measured
from gradclinic.settings import Settings
from gradclinic.theory import predict
from gradclinic.web import create_app

MLP = {"kind": "mlp", "depth": 8, "width": 32, "activation": "sigmoid"}
SGD = {"kind": "sgd", "learning_rate": 0.1}
DIGITS = {"kind": "digits"}
TOLD = [
    {"model": MLP, "data": DIGITS, "optimizer": SGD},
    {"model": MLP, "data": DIGITS, "optimizer": SGD, "clipping": {"kind": "norm", "max_norm": 0.01}},
    {"model": MLP, "data": DIGITS, "optimizer": {"kind": "adamw", "learning_rate": 0.001, "weight_decay": 1.0}},
    {"model": MLP, "data": {**DIGITS, "standardize": False}, "optimizer": SGD},
    {"model": MLP, "data": {"kind": "teacher", "standardize": False}, "optimizer": SGD},
    {"model": MLP, "data": DIGITS, "optimizer": SGD, "training": {"precision": "float16"}},
    {"model": {**MLP, "normalization": "batch_norm"}, "data": DIGITS, "optimizer": SGD},
    {"model": MLP, "data": DIGITS, "optimizer": SGD, "schedule": {"kind": "cosine"}},
    {"model": MLP, "data": DIGITS, "optimizer": SGD, "loss": {"kind": "mse"}},
    {"model": MLP, "data": DIGITS, "optimizer": SGD, "output_activation": "softmax"},
    {"model": {"kind": "rnn", "width": 32}, "data": {"kind": "adding_problem"}, "optimizer": SGD},
    {"model": {"kind": "rnn", "width": 32, "cell": "lstm"}, "data": {"kind": "adding_problem"}, "optimizer": SGD},
    {
        "model": {
            "kind": "transformer",
            "depth": 4,
            "width": 32,
            "activation": "gelu",
            "skip": {},
            "normalization": "post_layer_norm",
        },
        "data": {"kind": "digit_rows"},
        "optimizer": SGD,
    },
    {
        "model": {"kind": "mlp", "depth": 8, "width": 32, "activation": "relu", "skip": {}},
        "data": DIGITS,
        "optimizer": SGD,
    },
    {
        "model": {
            "kind": "layers",
            "layers": [
                {"kind": "linear", "out_features": 32},
                {"kind": "activation", "activation": "relu"},
                {"kind": "dropout", "p": 0.8},
                {"kind": "linear", "out_features": 10},
            ],
        },
        "data": DIGITS,
        "optimizer": SGD,
    },
]
"""Experiments on which remedies are shown, the plainest first."""
COUNTED = (
    "How many broken trainings with this condition each remedy cured (`./run benchmark cures`). They are small, so "
    "single counts say little."
)
METHODS = ("get", "post", "put", "patch", "delete")


def on_files(files: Files, config: ProperDocsConfig) -> Files:
    """Add the pages that are made from the code."""
    document = _document()
    made: dict[str, str | bytes] = {
        "reference/conditions/index.md": _conditions(),
        "reference/remedies/index.md": _remedies(),
        "reference/api.md": _api(document),
        "reference/openapi.json": json.dumps(document),
        "figures/predicted.svg": _predicted(),
        **{f"reference/conditions/{name}.md": _condition(name, rule) for name, rule in RULES.items()},
        **{f"reference/remedies/{kind}.md": _remedy(kind, cls) for kind, cls in REMEDIES.items()},
    }
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def on_post_build(config: ProperDocsConfig) -> None:
    """Write the index of the search as a script, too: pages that are opened from a disk cannot fetch it."""
    index = Path(config.site_dir, "search", "search_index.json").read_text("utf-8")
    Path(config.site_dir, "search", "search_index.js").write_text(f"window.searchIndex = {index};\n", "utf-8")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[" ".join(str(cell).split()).replace("|", "\\|") or " " for cell in row] for row in (head, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def _text(cls: type) -> str:
    """The docstring of a class as paragraphs."""
    return "\n".join(line.strip() for line in (cls.__doc__ or "").strip().splitlines())


# --- conditions ---------------------------------------------------------------------------------------


def _conditions() -> str:
    rows = [
        (f"[{_title(name)}]({name}.md)", first_line(type(rule)), rule.usual_severity) for name, rule in RULES.items()
    ]
    table = _table(("Condition", "What it is", "Severity"), rows)
    return f"# Conditions\n\nWhat a diagnosis can name, {len(rows)} in all.\n\n{table}\n"


def _condition(name: str, rule: Rule) -> str:
    thresholds = {each["name"]: each for each in Thresholds.listing()}
    used = [
        (f"`{each}`", str(thresholds[each]["default"]), thresholds[each]["unit"], thresholds[each]["help"])
        for each in rule.uses
    ]
    cured = _cured_by_remedy(name)
    parts = [
        f"# {_title(name)}",
        _text(type(rule)),
        f"In the API: `{name}`. Usual severity: {rule.usual_severity}."
        + (" A run can be asked to stop on it (`training.stop_when`)." if rule.may_stop else ""),
        "## How it is measured",
        _table(("Threshold", "Default", "Unit", "Meaning"), used) if used else "It has no threshold of its own.",
        f"Source: {rule.source}",
    ]
    if rule.usual_blames:
        words = ", ".join(each.replace("_", " ") for each in rule.usual_blames)
        parts += ["## What is usually to blame", f"Most likely first: {words}."]
    parts.append("## What cures it")
    if cured:
        rows = [(_link(remedy), f"{tally.cured} of {tally.tried}") for remedy, tally in cured]
        parts += [
            COUNTED,
            _table(("Remedy", "Cured"), rows),
        ]
    else:
        parts.append("No counts: the benchmark of cures has no training with this condition.")
    return "\n\n".join(parts) + "\n"


def _link(remedy: str) -> str:
    """A remedy in words, leading to its page."""
    return f"[{remedy}](../remedies/{remedy.split(' (', maxsplit=1)[0].replace(' ', '_')}.md)"


def _cured_by_remedy(condition: str) -> list[tuple[str, Tally]]:
    """How often each remedy cured this condition, those that cured most often first; without those that never did."""
    cured = [(name, tally) for name, tally in measured().of_condition(condition).items() if tally.cured]
    return sorted(cured, key=lambda each: -each[1].least)


# --- remedies -----------------------------------------------------------------------------------------


def _remedies() -> str:
    table = _table(
        ("Remedy", "What it does"),
        [(f"[{_title(kind)}]({kind}.md)", first_line(cls)) for kind, cls in REMEDIES.items()],
    )
    return f"# Remedies\n\nThe first six are the most common advice, in its order.\n\n{table}\n"


def _remedy(kind: str, cls: type[Remedy]) -> str:
    parameters = [
        (f"`{each.name}`", each.help, each.allowed, f"`{each.default}`" if each.default else "required")
        for each in parameters_of(cls.model_json_schema())
    ]
    parts = [f"# {_title(kind)}", _text(cls)]
    parts += ["## Parameters", _table(("Name", "Meaning", "Allowed", "Default"), parameters) if parameters else "None."]
    parts += ["## Example", *_example(kind, cls)]
    cures = [
        (f"[{_title(name)}](../conditions/{name}.md)", remedy, f"{tally.cured} of {tally.tried}")
        for name in RULES
        for remedy, tally in _cured_by_remedy(name)
        if remedy.split(" (")[0] == kind.replace("_", " ")
    ]
    if cures:
        parts += ["## What it cured", _table(("Condition", "With", "Cured"), cures)]
    return "\n\n".join([*parts, f"Source: {cls.source}"]) + "\n"


def _example(kind: str, cls: type[Remedy]) -> Iterator[str]:
    """The remedy as JSON, and what it changes of the first experiment that it applies to."""
    for given in ({}, {"factor": 0.1}):
        for told in TOLD:
            try:
                remedy = cls.model_validate({"kind": kind, **given})
                before = Experiment.model_validate(told)
                after = remedy.apply(before)
                old, new = listing(before).splitlines(), listing(after).splitlines()
            except (InvalidRequest, ValidationError):
                continue
            yield f"```json\n{json.dumps({'kind': kind, **given})}\n```"
            changes = "\n".join(list(unified_diff(old, new, n=1, lineterm=""))[2:])
            if changes:
                yield f"What it changes of a network, as PyTorch code:\n\n```diff\n{changes}\n```"
            else:
                before_json, after_json = (
                    json.dumps(each.to_json(), indent=1).splitlines() for each in (before, after)
                )
                changes = "\n".join(list(unified_diff(before_json, after_json, n=1, lineterm=""))[2:])
                yield f"What it changes of an experiment:\n\n```diff\n{changes}\n```"
            return
    yield f"```json\n{json.dumps({'kind': kind})}\n```"


# --- figures and API ----------------------------------------------------------------------------------


def _predicted() -> bytes:
    """The predicted profiles of networks before the first step, drawn as the pages draw them."""
    lines = []
    for name, model in (
        ("sigmoid", MLP),
        ("ReLU, Kaiming", {**MLP, "activation": "relu", "initialization": {"scheme": "kaiming_normal"}}),
        ("sigmoid, batch norm", {**MLP, "normalization": "batch_norm"}),
        ("ReLU, gain 3", {**MLP, "activation": "relu", "initialization": {"scheme": "kaiming_normal", "gain": 3.0}}),
    ):
        sites = predict(Experiment.model_validate({"model": model, "data": DIGITS, "optimizer": SGD})).sites
        lines.append(Line(name, [site.name for site in sites], [10**site.log10_relative_gradient for site in sites]))
    return draw(
        profile(lines, title="Predicted gradient by depth, eight layers", unit="relative to the last layer"), "svg"
    )


def _document() -> dict[str, Any]:
    """The OpenAPI document; nothing is connected to for it."""
    return create_app(
        Settings(database_url="postgresql://127.0.0.1:1/none", broker_url="redis://127.0.0.1:1/0")
    ).openapi()


def _api(document: Mapping[str, Any]) -> str:
    parts = ["# API", document["info"]["description"].strip(), "The [OpenAPI document](openapi.json) has every detail."]
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", tag["description"]]
        for path, operations in document["paths"].items():
            for method in METHODS:
                operation = operations.get(method)
                if operation and tag["name"] in operation["tags"]:
                    parts += _operation(document, f"{method.upper()} {path}", operation)
    return "\n\n".join(parts) + "\n"


def _operation(document: Mapping[str, Any], title: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{title}`"
    yield f"**{operation['summary']}.** {operation.get('description', '')}".strip()
    root: Schema = {"$defs": document["components"]["schemas"]}
    rows = [
        (f"`{each['name']}`", each["in"], phrase(root, each["schema"]), each.get("description", ""))
        for each in operation.get("parameters", ())
    ]
    if rows:
        yield _table(("Parameter", "In", "Allowed", "Meaning"), rows)
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        schema = resolved(root, body["schema"]) or {}
        fields = [(f"`{each.name}`", each.help, each.default or " ") for each in parameters_of({**schema, **root})]
        if fields:
            yield "Body:\n\n" + _table(("Field", "Meaning", "Default"), fields)
        for example in schema.get("examples", ())[:1]:
            yield f"```json\n{json.dumps(example, indent=2)}\n```"
