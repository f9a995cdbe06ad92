"""Read a spec: a JSON or YAML file, or `-` for standard input."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from ..kernel.errors import InvalidSpec
from ..kernel.json import JsonObject
from ..kernel.program import COMMAND


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as in JSON, and dates are strings."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
    list("-+0123456789."),
)


def read_spec(source: str) -> dict[str, Any]:
    """The object in a file; raises InvalidSpec if the file contains something else."""
    name = "standard input" if source == "-" else source
    try:
        text = sys.stdin.read() if source == "-" else Path(source).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidSpec.at("", f"{name} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidSpec.at("", f"{name} is not UTF-8 text") from None
    try:
        value = json.loads(text)
    except ValueError as not_json:
        try:
            value = yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader
        except (yaml.YAMLError, RecursionError, ValueError) as error:
            raise InvalidSpec.at("", f"{name} is neither JSON ({not_json}) nor YAML ({_line(error)})") from None
    if not isinstance(value, dict):
        raise InvalidSpec.at(
            "", f"{name} does not contain an object", allowed="an object with the key experiment, or model"
        )
    return value


def with_experiment(spec: JsonObject) -> JsonObject:
    """The body of a request; a bare experiment is wrapped."""
    return {"experiment": spec} if "experiment" not in spec and "model" in spec else spec


def read_experiment(source: str) -> JsonObject:
    """The body of a request for one experiment; raises InvalidSpec for a study."""
    body = with_experiment(read_spec(source))
    if "arms" in body:
        raise InvalidSpec.at("/arms", "this is a study, not one experiment", allowed=f"`{COMMAND} study {source}`")
    return body


def _line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"{problem}, line {mark.line + 1}" if mark is not None else str(problem)
