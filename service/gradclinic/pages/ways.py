"""The ways to send a request other than from a page: curl, the command line, Python."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pprint import pformat

from ..kernel.json import JsonObject
from ..kernel.program import COMMAND

COMMANDS: Mapping[str, str] = {"run": "run", "study": "study", "prescription": "prescribe", "check": "check"}
"""The command for each kind of request."""
RESULTS: Mapping[str, str] = {
    "run": "run.diagnosis().findings[0].summary",
    "study": "study.comparison()",
    "prescription": "prescription.cure",
    "check": "check.verdict",
}
"""What is printed of each result."""


@dataclass(frozen=True, kw_only=True)
class Ways:
    """One request in three languages."""

    curl: str
    command: str
    python: str


def ways_of(url: str, kind: str, path: str, body: JsonObject, *, with_key: bool = False) -> Ways:
    """How to send `body` to the service at `url`; `with_key` if requests need an API key."""
    key = '-H "Authorization: Bearer $GRADCLINIC_API_KEY" ' if with_key else ""
    text, lines = (json.dumps(body, indent=indent, ensure_ascii=False) for indent in (None, 2))
    return Ways(
        curl=f"curl -s {url}{path} {key}\\\n  -H 'Content-Type: application/json' -d {shlex.quote(text)}",
        command=f"{COMMAND} {COMMANDS[kind]} --url {url} - <<'JSON'\n{lines}\nJSON",
        python="\n".join(
            (
                "from gradclinic import Clinic",
                "",
                f'clinic = Clinic("{url}")',
                f"request = {pformat(dict(body), sort_dicts=False, width=100)}",
                f"{kind} = clinic.post_{kind}(request).wait()",
                f"print({RESULTS[kind]})",
            )
        ),
    )
