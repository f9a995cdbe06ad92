"""The MCP server as an assistant meets it: the real client over standard input and output."""

import asyncio
import sys

import pytest

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ...api.examples import EXPERIMENT
from ...api.serving import train

mcp = pytest.importorskip("mcp", reason="needs the extra mcp")


def asked(clinic: Clinic, calls, *options: str):
    """What `calls` returns, given a function that calls a tool of the server."""
    code = "from gradclinic.cli import main; main()"
    command = mcp.StdioServerParameters(
        command=sys.executable,
        args=["-c", code, "mcp", "--url", clinic.url, *options],
        env={"PYTHONPATH": ":".join(sys.path)},
    )

    async def talk():
        async with mcp.Client(command) as client:

            async def call(tool: str, **arguments: object) -> tuple[bool, str]:
                answer = await client.call_tool(tool, arguments)
                return bool(answer.is_error), answer.content[0].text

            listed = await client.list_tools()
            return {tool.name: tool.annotations.read_only_hint for tool in listed.tools}, await calls(call)

    return asyncio.run(talk())


def test_an_assistant_reads_and_is_told_what_is_wrong(clinic: Clinic, settings: Settings) -> None:
    run = clinic.run(EXPERIMENT, name="sick")
    train(settings, run.id)

    async def calls(call):
        return [
            await call("list_runs", condition="vanishing_gradients"),
            await call("show_run", run_id=run.id),
            await call("show_run", run_id="run_none"),
            await call("submit_prescription", run_id=run.id),
        ]

    tools, (listed, shown, missing, refused) = asked(clinic, calls)
    assert set(tools.values()) == {True}
    assert run.id in listed[1]
    assert "shrink by a factor of" in shown[1]
    assert '"kind": "mlp"' in shown[1]
    assert missing[0]
    assert "run_none" in missing[1]
    assert refused[0]
    assert list(clinic.prescriptions()) == []


def test_with_the_flag_it_starts_a_study_and_a_search(clinic: Clinic) -> None:
    run = clinic.run(EXPERIMENT)

    async def calls(call):
        arms = {"norm": [{"kind": "add_batch_norm"}]}
        return [
            await call("submit_study", experiment=EXPERIMENT, arms=arms, seeds=[0]),
            await call("submit_prescription", run_id=run.id, runs=16),
            await call("submit_prescription"),
        ]

    tools, (study, search, neither) = asked(clinic, calls, "--submit")
    assert tools["submit_study"] is False
    assert study[1].startswith(next(clinic.studies()).id)
    assert search[1].startswith(next(clinic.prescriptions()).id)
    assert neither[0]
    assert "run_id or experiment" in neither[1]
