"""`gradclinic demo`: diagnoses a network that does not train, and finds remedies that cure it, on a real service.

The network has twelve layers of 32 sigmoid units with PyTorch's default initialization, and is trained on handwritten
digits. The demo tries the six remedies of common advice and one pair of them, with three seeds each: 24 trainings,
submitted over HTTP.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.rule import Rule
from rich.text import Text

from ..client import Clinic, Run, Study
from ..kernel.json import JsonObject
from ..kernel.program import COMMAND
from ..schemas.comparison import ComparisonAnswer
from ..schemas.event import EventAnswer
from ..text.chart import Line, profile_chart
from ..text.comparison import VERDICT_STYLES, Ranking
from ..text.console import console_for, show, speaks_unicode
from ..text.diagnosis import diagnosis_words
from ..text.numbers import gradient_decay
from ..text.profile import mean_profile
from ..text.progress import following
from .options import AsJson, DataDir, Workers, print_json
from .serve import settings_with

if TYPE_CHECKING:
    from ..schemas.experiment import ResolveAnswer

SEEDS = (0, 1, 2)
EXPERIMENT: JsonObject = {
    "model": {
        "kind": "mlp",
        "depth": 12,
        "width": 32,
        "activation": "sigmoid",
        "initialization": {"scheme": "torch_default"},
    },
    "data": {"kind": "digits"},
    "optimizer": {"kind": "sgd", "learning_rate": 0.1},
    "training": {"steps": 300, "batch_size": 64},
}
XAVIER: JsonObject = {"kind": "set_initialization", "initialization": {"scheme": "xavier_uniform"}}
ARMS: Mapping[str, Sequence[JsonObject]] = {
    "ReLU": [{"kind": "swap_activation", "activation": "relu"}],
    "batch norm": [{"kind": "add_batch_norm"}],
    "lower learning rate": [{"kind": "lower_learning_rate"}],
    "skip connections": [{"kind": "add_skip_connections"}],
    "Xavier": [XAVIER],
    "gradient clipping": [{"kind": "clip_gradients"}],
    "batch norm + Xavier": [{"kind": "add_batch_norm"}, XAVIER],
}
"""The six remedies in the order of common advice, and the pair that worked best on many broken networks."""


def demo(*, data_dir: DataDir = None, workers: Workers = None, as_json: AsJson = False) -> int:
    """Diagnose a network that does not train, and show which remedies cure it."""
    from ..embedded import Embedded, heed, interrupted_by_signals
    from ..logs import configure

    settings = settings_with(data_dir=data_dir, port=0)
    configure(settings.model_copy(update={"log_level": "warning"}))
    console, errors = console_for(), console_for(stderr=True)
    with interrupted_by_signals():
        show(errors, Text(f"Starting the service in {settings.data_dir} ..."))
        with Embedded(settings, workers=workers) as service, Clinic(service.url, api_key=service.own_key()) as clinic:
            resolved = clinic.resolve(EXPERIMENT)
            if not as_json:
                _introduce(console, resolved)
            study = clinic.study(
                EXPERIMENT, arms=ARMS, seeds=SEEDS, name="demo: twelve sigmoid layers", labels={"demo": "yes"}
            )
            progress = study.answer.progress
            with following(errors, what="training", steps=progress.steps, runs=progress.runs) as follow:

                def watch(event: EventAnswer) -> None:
                    heed()
                    follow(event)

                study.wait(progress=watch)
            comparison = study.comparison().answer
            runs = sorted(study.runs(limit=200), key=lambda run: run.answer.seed)
            if as_json:
                print_json({"study": study.answer.document, "comparison": comparison.document})
            else:
                _tell(console, runs, comparison, resolved)
                _where_next(console, study, command=_serve_command(data_dir))
        return 0 if study.status == "succeeded" and len(comparison.arms) == len(ARMS) else 1


def _introduce(console: Console, resolved: "ResolveAnswer") -> None:
    depth, width = EXPERIMENT["model"]["depth"], EXPERIMENT["model"]["width"]
    training = EXPERIMENT["training"]
    show(
        console,
        Text("\nThe patient", style="bold"),
        Text(
            f"  {depth} layers of {width} sigmoid units ({resolved.parameters:,} parameters) on handwritten digits,"
            f" {training['steps']} steps of SGD."
        ),
        *[Text(f"  Before it is trained: {warning}.") for warning in resolved.warnings],
        Text(
            f"  It is trained without changes, with each of six remedies, and with two of them together:"
            f" {len(SEEDS)} seeds each, paired.\n"
        ),
    )


def _tell(console: Console, runs: Sequence[Run], comparison: ComparisonAnswer, resolved: "ResolveAnswer") -> None:
    arms = _by_arm(runs)
    baseline = arms["baseline"]
    _section(console, "1  What is wrong")
    agree = sum(_primary(run) == _primary(baseline[0]) for run in baseline)
    show(
        console,
        Text(f"The diagnosis of the baseline, seed {baseline[0].answer.seed} ({agree} of {len(baseline)} seeds agree)"),
        diagnosis_words(
            baseline[0].diagnosis(),
            layers=len(baseline[0].profile().points),
            steps=baseline[0].answer.progress.steps,
        ),
    )
    _section(console, "2  The gradient, layer by layer")
    _draw(console, arms, comparison, resolved)
    _section(console, "3  Which remedies cure it")
    show(console, Ranking(comparison), Text(""), *_verdicts(comparison))


def _verdicts(comparison: ComparisonAnswer) -> list[Text]:
    by_verdict: dict[str, list[str]] = {}
    for arm in comparison.arms:
        by_verdict.setdefault(arm.verdict, []).append(arm.arm)
    lines = [
        Text.assemble((f"{verdict.replace('_', ' ')}: ", VERDICT_STYLES.get(verdict, "")), ", ".join(names))
        for verdict, names in by_verdict.items()
    ]
    best = comparison.arms[0]
    return [*lines, Text(f"\n{best.arm}: {best.reason}")]


def _draw(
    console: Console, arms: Mapping[str, Sequence[Run]], comparison: ComparisonAnswer, resolved: "ResolveAnswer"
) -> None:
    ranked = [("baseline", "B", "bold red")] + [
        (arm.arm, str(arm.rank), VERDICT_STYLES.get(arm.verdict, "")) for arm in comparison.arms
    ]
    profiles = {name: mean_profile([run.profile() for run in arms[name]]) for name, _, _ in ranked}
    expected = resolved.predicted_profile.depth_slope
    lines = []
    for name, marker, style in ranked:
        profile = profiles[name]
        note = f"{gradient_decay(profile.slope)} over {len(profile.values)} layers"
        if name == "baseline" and expected is not None:
            note += f" (theory, before training: {expected:.1f})"
        elif name != "baseline" and profile.values == profiles["baseline"].values:
            note = "same as B: no change before the first step"
        lines.append(Line(name, marker, profile.values, note, style))
    show(
        console,
        *profile_chart(
            lines,
            width=min(console.width, 84),
            unit="gradient of the loss by each layer's pre-activation (RMS x batch size), before the first step",
            across="layer",
            unicode=speaks_unicode(console),
        ),
    )


def _where_next(console: Console, study: Study, *, command: str) -> None:
    _section(console, "4  Where to look next")
    show(
        console,
        Text.assemble("  ", (command, "bold")),
        Text("      starts the service with these results. Then open"),
        Text.assemble("  ", (f"http://127.0.0.1:8000{study.answer.urls.page}", "bold")),
        Text("      to see this study; the API documentation is at /docs. Or compare again with"),
        Text.assemble("  ", (f"{COMMAND} compare {study.id}", "bold")),
        Text(""),
    )


def _serve_command(data_dir: Path | None) -> str:
    folder = f" --data-dir {shlex.quote(str(data_dir))}" if data_dir is not None else ""
    return f"{COMMAND} serve{folder}"


def _section(console: Console, title: str) -> None:
    rule = Rule(
        Text(title, style="bold"), align="left", style="dim", characters="─" if speaks_unicode(console) else "-"
    )
    show(console, Text(""), rule)


def _by_arm(runs: Sequence[Run]) -> dict[str, list[Run]]:
    arms: dict[str, list[Run]] = {}
    for run in runs:
        arms.setdefault(str(run.answer.arm), []).append(run)
    return arms


def _primary(run: Run) -> str | None:
    return None if run.answer.diagnosis is None else run.answer.diagnosis.primary
