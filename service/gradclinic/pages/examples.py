"""Three examples to begin with, each as a request, a command and Python."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..kernel.json import JsonObject
from ..kernel.program import COMMAND

EXPERIMENT: JsonObject = {
    "model": {"kind": "mlp", "depth": 8, "width": 32, "activation": "sigmoid"},
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 300, "batch_size": 64},
}
"""Eight sigmoid layers, whose gradients vanish."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A request that the page can send."""

    name: str
    title: str
    words: str
    path: str
    body: str
    """JSON."""
    curl: str
    command: str
    python: str


def examples(url: str, *, with_key: bool = False) -> Sequence[Example]:
    """What to try on the service at `url`; `with_key` if requests need an API key."""
    arms = {
        "batch norm": [{"kind": "add_batch_norm"}],
        "ReLU": [{"kind": "swap_activation", "activation": "relu"}],
    }
    key = '-H "Authorization: Bearer $GRADCLINIC_API_KEY" ' if with_key else ""
    return (
        _example(
            url,
            key=key,
            name="run",
            title="Diagnose a network",
            words="Train one network, measure its gradients at every layer and step, and read what is wrong.",
            path="/v1/runs",
            body={"experiment": EXPERIMENT},
            command=f"{COMMAND} init experiment\n{COMMAND} run experiment.yaml",
            python="run = clinic.run(experiment).wait()\nprint(run.diagnosis().findings[0].summary)",
        ),
        _example(
            url,
            key=key,
            name="study",
            title="Compare remedies",
            words="Train it with several remedies on the same data and seeds, and see which of them cure it.",
            path="/v1/studies",
            body={
                "experiment": EXPERIMENT,
                "arms": [{"name": name, "remedies": remedies} for name, remedies in arms.items()],
                "seeds": [0, 1, 2],
            },
            command=f"{COMMAND} init study\n{COMMAND} study study.yaml",
            python=f"arms = {_python(arms)}\nstudy = clinic.study(experiment, arms=arms, seeds=[0, 1, 2]).wait()\n"
            "print(study.comparison())",
        ),
        _example(
            url,
            key=key,
            name="prescription",
            title="Search for a cure",
            words="Let remedies and their combinations compete, and confirm the best on new seeds.",
            path="/v1/prescriptions",
            body={"experiment": EXPERIMENT, "budget": {"runs": 40}},
            command=f"{COMMAND} init experiment\n{COMMAND} prescribe experiment.yaml",
            python="prescription = clinic.prescribe(experiment, runs=40).wait()\nprint(prescription.cure)",
        ),
    )


def _example(
    url: str, *, key: str, name: str, title: str, words: str, path: str, body: JsonObject, command: str, python: str
) -> Example:
    return Example(
        name=name,
        title=title,
        words=words,
        path=path,
        body=json.dumps(body, indent=2),
        curl=f"curl -s {url}{path} {key}\\\n  -H 'Content-Type: application/json' -d '{json.dumps(body)}'",
        command=command,
        python="\n".join(
            (
                "from gradclinic import Clinic",
                "",
                f'clinic = Clinic("{url}")',
                f"experiment = {_python(EXPERIMENT)}",
                python,
            )
        ),
    )


def _python(value: JsonObject) -> str:
    """As a literal of Python, with an entry on each line; equal to JSON here, as nothing is null or a truth value."""
    rows = "".join(f"    {json.dumps(key)}: {json.dumps(each)},\n" for key, each in value.items())
    return f"{{\n{rows}}}"
