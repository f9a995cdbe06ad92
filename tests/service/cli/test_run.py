"""The commands run and runs."""

import json

from gradclinic.client import Clinic
from gradclinic.settings import Settings

from ..api.examples import EXPERIMENT
from ..api.serving import train
from .command import gradclinic, refused


def test_a_run_is_read_from_standard_input(clinic: Clinic) -> None:
    done = gradclinic("run", "-", "--no-wait", "--url", clinic.url, given=json.dumps(EXPERIMENT))
    assert done.returncode == 0, done.stderr
    assert "is queued" in done.stdout


def test_runs_are_listed_shown_cancelled_and_deleted(clinic: Clinic, settings: Settings) -> None:
    at = ("--url", clinic.url)
    assert gradclinic("runs", "list", *at).stdout == "There are no runs yet.\n"
    first = clinic.run(EXPERIMENT, name="first", labels={"team": "a"})
    second = clinic.run(EXPERIMENT, name="second")
    train(settings, first.id)

    table = gradclinic("runs", "list", *at).stdout.splitlines()
    assert [word for line in table for word in line.split()[:1] if word.startswith("run_")] == [second.id, first.id]
    newest = gradclinic("runs", "list", "-n", "1", "--json", *at)
    assert [each["id"] for each in json.loads(newest.stdout)] == [second.id]
    assert newest.stderr == "These are the first 1; --limit shows more.\n"
    for filters, found in (
        (("--status", "succeeded", "--label", "team:a"), [first.id]),
        (("--condition", "divergence"), []),
        (("--search", "firs", "--source", "own"), [first.id]),
        (("--sort", "created_at"), [first.id, second.id]),
    ):
        listed = gradclinic("runs", "list", *filters, "--json", *at)
        assert [each["id"] for each in json.loads(listed.stdout)] == found
    assert gradclinic("runs", "list", "--condition", "divergence", *at).stdout == "No runs match these filters.\n"
    assert "vanishing_gradients" in refused(gradclinic("runs", "list", "--finding", "sadness", *at), 2)

    assert gradclinic("runs", "show", first.id, *at).stdout.startswith(f"{first.id} (first): succeeded\n")
    again = gradclinic("runs", "show", first.id, "--spec", *at).stdout
    assert gradclinic("run", "-", "--no-wait", *at, given=again).returncode == 0
    watched = gradclinic("runs", "watch", first.id, "--json", *at)
    assert (watched.returncode, json.loads(watched.stdout)["status"]) == (0, "succeeded")
    assert gradclinic("runs", "cancel", second.id, *at).stdout == f"{second.id} is canceled\n"
    assert gradclinic("runs", "watch", second.id, *at).returncode == 1
    assert len(gradclinic("runs", "delete", first.id, second.id, *at).stdout.splitlines()) == 2
    assert "is no run" in refused(gradclinic("runs", "show", first.id, *at), 2)
