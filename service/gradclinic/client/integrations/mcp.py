"""A server of the Model Context Protocol (MCP): lets an assistant read runs, diagnoses and studies, and find a cure.

It only reads, unless it is allowed to submit. From a run to a confirmed cure takes four calls: list_runs, show_run,
submit_prescription and show_prescription, which can wait for the end of the search.
"""

import json
from collections.abc import Callable
from functools import wraps
from importlib.metadata import version
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...kernel.errors import GradclinicError, InvalidSpec
from ...kernel.json import JsonObject
from ...text.comparison import ranking_text
from ...text.console import plain_text
from ...text.prescription import prescription_words
from ...text.run import run_words, runs_table
from ...text.seeds import arm_lines
from ...text.study import studies_table, study_line
from .. import Clinic
from ..extras import extra
from ..submitted import Submitted

if TYPE_CHECKING:
    from mcp.server import MCPServer

    from ..comparison import ComparisonResult

MOST = 50
"""Largest number of runs or studies in one answer."""
LONGEST_WAIT_S = 300.0
"""Longest time that one call waits, in seconds."""

INSTRUCTIONS = """gradclinic trains networks, measures the gradient of every layer, diagnoses what is wrong, and tests
which remedies cure it. To find a cure for a run: show_run has its diagnosis and its request; submit_prescription with
its id searches for remedies (minutes); show_prescription with wait_s has the cure, confirmed on new seeds against a
random control. A run that was recorded from an external program cannot be trained here: describe its network as an
experiment (see show_catalogue), or run `gradclinic_torch.prescribe` in that program."""


class Tools:
    """The tools of the server; their docstrings are what the assistant reads."""

    def __init__(self, clinic: Clinic) -> None:
        self._clinic = clinic

    def list_runs(
        self,
        *,
        condition: str | None = None,
        status: str | None = None,
        source: str | None = None,
        search: str | None = None,
        study: str | None = None,
        limit: int = 20,
    ) -> str:
        """List runs, newest first: id, name, status, condition and metrics.

        condition: for example vanishing_gradients. source: own, recording, study, check or prescription. search: words
        of the name, arm, id, model or labels.
        """
        filters = {"condition": condition, "status": status, "source": source, "search": search, "study": study}
        found = self._clinic.runs(**{name: value for name, value in filters.items() if value})
        runs = [run.answer for run in islice(found, min(limit, MOST))]
        return plain_text(runs_table(runs)) if runs else "No runs match."

    def show_run(self, run_id: str) -> str:
        """Show a run: status, metrics, diagnosis with evidence and remedies to try, and the request that trains it."""
        run = self._clinic.get_run(run_id)
        diagnosis = run.answer.diagnosis if run.ended else run.diagnosis()
        request = {"experiment": run.answer["experiment"], "remedies": run.answer.remedies}
        known = json.dumps(request) if request["experiment"] else "none; it was recorded from an external program"
        return f"{plain_text(run_words(run.answer, diagnosis, page=run.page))}\nrequest: {known}"

    def list_studies(self, status: str | None = None, limit: int = 20) -> str:
        """List studies, newest first: each compares arms (remedies) of one experiment over several seeds."""
        found = self._clinic.studies(**({"status": status} if status else {}))
        studies = [study.answer for study in islice(found, min(limit, MOST))]
        return plain_text(studies_table(studies)) if studies else "No studies match."

    def show_study(self, study_id: str, wait_s: float = 0) -> str:
        """Show a study: the ranking of its arms with verdicts, effects and reasons, and the diagnosis of each arm.

        wait_s: seconds to wait for its end, at most 300.
        """
        study = self._clinic.get_study(study_id)
        _wait(study, wait_s)
        return f"{study_line(study.answer)}\n{_compared(study.comparison())}\n{study.page}"

    def compare_runs(self, run_ids: list[str], baseline: str) -> str:
        """Compare any runs with one of them, the baseline."""
        return _compared(self._clinic.compare(run_ids, baseline=baseline))

    def show_prescription(self, prescription_id: str, wait_s: float = 0) -> str:
        """Show a search for a cure: what was tried, and the cure with its evidence and its request.

        wait_s: seconds to wait for its end, at most 300.
        """
        found = self._clinic.get_prescription(prescription_id)
        _wait(found, wait_s)
        cured = "" if found.cure is None else f"\nrequest: {json.dumps({'experiment': found.cure.resolved_experiment})}"
        runs = f"runs: list_runs(source='prescription'), or {found.page}"
        return f"{plain_text(prescription_words(found.found))}{cured}\n{runs}"

    def show_catalogue(self, section: str, entry: str | None = None) -> str:
        """Show what experiments can contain: a section (models, layers, data, remedies, ...), or one entry in full."""
        from ...text.catalogue import entry_words, section_words

        sections = self._clinic.catalogue().document
        if section not in sections:
            raise InvalidSpec.at("", "there is no such section", value=section, allowed=", ".join(sections))
        if entry is None:
            return plain_text(section_words(section, sections[section]))
        found = next((each for each in sections[section] if each["kind"] == entry), None)
        if found is None:
            kinds = ", ".join(each["kind"] for each in sections[section])
            raise InvalidSpec.at("", "there is no such entry", value=entry, allowed=kinds)
        return plain_text(entry_words(section, found))


class SubmittingTools(Tools):
    """The same, and tools that start trainings."""

    def submit_study(
        self, experiment: JsonObject, arms: dict[str, list[JsonObject]], seeds: list[int] | None = None
    ) -> str:
        """Train an experiment with several remedies, on the same data and seeds, and compare them.

        arms: a list of remedies for each arm by name, for example {"batch norm": [{"kind": "add_batch_norm"}]}.
        Returns the id for show_study.
        """
        study = self._clinic.study(experiment, arms=arms, seeds=seeds or range(5))
        return f"{study.id} is {study.status}; {study.page}"

    def submit_prescription(
        self,
        run_id: str | None = None,
        experiment: JsonObject | None = None,
        seconds: float | None = None,
        runs: int | None = None,
    ) -> str:
        """Search for remedies that cure a run that this service trained, or an experiment.

        The budget is seconds of training (default: 240), or a number of runs. Returns the id for show_prescription.
        """
        if (run_id is None) == (experiment is None):
            raise InvalidSpec.at("", "name either a run or an experiment", allowed="run_id or experiment")
        found = self._clinic.prescribe(experiment or self._experiment(str(run_id)), seconds=seconds, runs=runs)
        return f"{found.id} is {found.status}; {found.page}"

    def _experiment(self, run_id: str) -> JsonObject:
        """What a run trained, with its remedies applied."""
        resolved: JsonObject = self._clinic.get_run(run_id).answer["resolved_experiment"]
        if not resolved:
            raise InvalidSpec.at(
                "/run_id",
                "the run was recorded from an external program, which this service cannot train",
                value=run_id,
                allowed="an experiment that describes its network, or gradclinic_torch.prescribe in the program",
            )
        return resolved


def server(clinic: Clinic, *, submit: bool = False) -> "MCPServer":
    """The server, for a service; with `submit`, it may also start studies and prescriptions. Raises SetupFailed."""
    made: MCPServer = extra("mcp.server", name="mcp").MCPServer(
        "gradclinic", version=version("gradclinic"), instructions=INSTRUCTIONS, log_level="WARNING"
    )
    annotations = extra("mcp.types", name="mcp").ToolAnnotations
    tools = SubmittingTools(clinic) if submit else Tools(clinic)
    for name in (name for name in dir(tools) if not name.startswith("_")):
        reads = not name.startswith("submit")
        hints = annotations(read_only_hint=reads, destructive_hint=False, open_world_hint=False)
        made.add_tool(_with_errors(getattr(tools, name)), name=name, annotations=hints)
    return made


def _with_errors(tool: Callable[..., str]) -> Callable[..., str]:
    """The tool; what the service refuses is told to the assistant in words."""
    refused = extra("mcp.server.mcpserver.exceptions", name="mcp").ToolError

    @wraps(tool)
    def told(*arguments: object, **named: object) -> str:
        try:
            return tool(*arguments, **named)
        except GradclinicError as error:
            raise refused(str(error)) from None

    return told


def _wait(found: "Submitted[Any]", seconds: float) -> None:
    """Wait until it has ended, or for some time."""
    from time import monotonic, sleep

    until = monotonic() + min(seconds, LONGEST_WAIT_S)
    while found.status == "running" and monotonic() < until:
        sleep(0.5)
        found.refresh()


def _compared(comparison: "ComparisonResult") -> str:
    answer = comparison.answer
    reasons = "\n".join(f"{arm.rank}  {arm.arm}: {arm.reason}" for arm in answer.arms)
    return "\n".join([ranking_text(answer), reasons, plain_text(*arm_lines(answer))])
