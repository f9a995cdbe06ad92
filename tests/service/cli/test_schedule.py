"""The commands of schedules."""

import json

from gradclinic.client import Clinic

from .command import gradclinic, refused


def test_a_schedule_is_made_shown_paused_and_deleted(clinic: Clinic, study: str) -> None:
    clinic.pin("main", study=study)
    at = ("--url", clinic.url)
    made = gradclinic("schedule", "create", "nightly", "--cron", "0 3 * * *", "--baseline", "main", *at)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("nightly  0 3 * * *  UTC  against main  next 20")
    assert "paused" in gradclinic("schedule", "pause", "nightly", *at).stdout
    assert "next" in gradclinic("schedule", "resume", "nightly", *at).stdout
    assert "nightly" in gradclinic("schedule", "list", *at).stdout
    assert json.loads(gradclinic("schedule", "show", "nightly", "--json", *at).stdout)["last"] == []
    assert gradclinic("schedule", "delete", "nightly", *at).returncode == 0
    never = gradclinic("schedule", "create", "x", "--cron", "0 0 31 2 *", "--baseline", "main", *at)
    assert "/cron" in refused(never, 2)
