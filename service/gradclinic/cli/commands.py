"""All commands of the program. The module of a command is imported only when that command is used."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from ..kernel.program import COMMAND
from .plain_numbers import read_plain_numbers

EXAMPLE = """A spec, here an experiment in YAML:

\b
  model: {kind: mlp, depth: 8, width: 32, activation: sigmoid}
  data: {kind: digits}
  optimizer: {kind: sgd, learning_rate: 0.1}
  training: {steps: 300, batch_size: 64}
"""
STUDY = """A spec of a study, in YAML:

\b
  experiment:
    model: {kind: mlp, depth: 8, width: 32, activation: sigmoid}
    data: {kind: digits}
    optimizer: {kind: sgd, learning_rate: 0.1}
  arms:
    - {name: batch norm, remedies: [{kind: add_batch_norm}]}
  seeds: [0, 1, 2, 3, 4]
"""
_INIT = f"`{COMMAND} init` writes an example with comments, `{COMMAND} catalogue` lists what it can contain."
_EPILOG = f"{EXAMPLE}\n{_INIT}"
_STUDY = f"{STUDY}\n{_INIT.replace(' init`', ' init study`')}"


@dataclass(frozen=True)
class Entry:
    """One command, or a group of commands."""

    place: str
    """Where it is defined: `module:name`, relative to this package; a function, or a typer application."""
    help: str
    """The first sentence of its help."""
    epilog: str | None = None
    """Text below its options."""

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the module, and build the command."""
        module, _, attribute = self.place.partition(":")
        found = getattr(import_module(f".{module}", __package__), attribute)
        if isinstance(found, typer.Typer):
            found.rich_markup_mode = None  # as all other help
            return read_plain_numbers(_with_whole_sentences(get_group(found)))
        single = typer.Typer(add_completion=False, rich_markup_mode=None)
        single.command(name, epilog=self.epilog)(found)
        command = get_command(single)
        assert isinstance(command, TyperCommand)  # noqa: S101  # an application with one command is that command
        return read_plain_numbers(command)


def _with_whole_sentences(group: TyperGroup) -> TyperGroup:
    """A group whose list of commands has the first sentence of each, which would be cut at the end of the line."""
    for command in group.commands.values():
        first, stop, _ = " ".join((command.help or "").split()).partition(". ")
        command.short_help = first + stop.strip()
    return group


SECTIONS: Mapping[str, Mapping[str, Entry]] = {
    "Start": {
        "demo": Entry("demo:demo", "Diagnose a network that does not train, and show which remedies cure it."),
        "serve": Entry("serve:serve", "Start the service: API, workers, queue and database."),
        "init": Entry("init:init", "Write an example spec with comments, ready to edit."),
        "catalogue": Entry("catalogue:catalogue", "Show everything that specs can use, or one entry in full."),
    },
    "Train and diagnose": {
        "run": Entry("run:run", "Train an experiment, and diagnose it.", _EPILOG),
        "study": Entry("study:study", "Train an experiment with several remedies, and rank them.", _STUDY),
        "prescribe": Entry(
            "prescription:prescribe", "Search for remedies that cure an experiment, and show the evidence.", _EPILOG
        ),
        "claims": Entry("claim:claims", "Test common advice with measurements, and show a verdict for each claim."),
    },
    "Results": {
        "runs": Entry("run:app", "List, show, watch, cancel and delete runs."),
        "studies": Entry("study:app", "List, show, watch, cancel and delete studies."),
        "diagnose": Entry("diagnosis:diagnose", "Diagnose a run, or each arm of a study over its seeds."),
        "compare": Entry("comparison:compare", "Compare the arms of a study, or any runs."),
        "report": Entry(
            "report:report", "Save the page of a run, study or prescription as a self-contained HTML file."
        ),
    },
    "Regression": {
        "baseline": Entry("baseline:app", "Manage baselines: pinned runs that checks are compared with."),
        "check": Entry("check:check", "Train an experiment and check it for a regression.", _EPILOG),
        "schedule": Entry("schedule:app", "Run checks on a cron schedule."),
    },
    "Data": {
        "upload": Entry("dataset:upload", "Upload a data set for experiments to train on."),
        "datasets": Entry("dataset:app", "Manage uploaded data sets."),
    },
    "Operation": {
        "worker": Entry("serve:worker", "Train queued runs until SIGTERM."),
        "reconciler": Entry("serve:reconciler", "Monitor leases, the queue and deadlines until SIGTERM."),
        "mcp": Entry(
            "mcp:mcp",
            "Serve the Model Context Protocol on standard input and output, so that an assistant can use the service.",
        ),
        "webhooks": Entry("webhook:app", "Send alerts to other services."),
        "keys": Entry("key:app", "Manage API keys."),
        "db": Entry("serve:database", "Manage the database."),
    },
}
ENTRIES: Mapping[str, Entry] = {name: entry for section in SECTIONS.values() for name, entry in section.items()}


class _Loaded(Mapping[str, TyperCommand | TyperGroup]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> TyperCommand | TyperGroup:
        return ENTRIES[name].load(name)

    def __iter__(self) -> Iterator[str]:
        return iter(ENTRIES)

    def __len__(self) -> int:
        return len(ENTRIES)


class _Commands(TyperGroup):
    """All commands, in sections. (The types of typer's contexts and formatters are not public.)"""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands = _Loaded()  # type: ignore[assignment]  # nothing is added to it

    def list_commands(self, _context: Any) -> list[str]:
        return list(self.commands)

    def format_commands(self, _context: Any, formatter: Any) -> None:
        for title, entries in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<10}", entry.help) for name, entry in entries.items()])


app = typer.Typer(
    name="gradclinic",
    cls=_Commands,
    help=f"""Diagnose neural network training, and measure which remedies cure it.

    A SPEC is a JSON or YAML file that describes an experiment: model, data, optimizer and training. {_INIT}

    Commands talk to the service at GRADCLINIC_URL, or at --url after the command. `{COMMAND} serve` starts one on this
    machine.
    """,
    no_args_is_help=True,
    add_completion=" " not in COMMAND,  # a shell completes one word, not `./run gradclinic`
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(asked: bool) -> None:  # noqa: FBT001  # the value of an option
    if asked:
        from importlib.metadata import version

        typer.echo(f"gradclinic {version('gradclinic')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The options of all commands together."""
