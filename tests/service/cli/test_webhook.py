"""The commands of webhooks."""

import json

from gradclinic.client import Clinic

from .command import gradclinic, refused

URL = "https://hooks.example.org/services/secret-token\n"


def test_a_webhook_is_made_from_standard_input_tested_paused_and_deleted(clinic: Clinic) -> None:
    at = ("--url", clinic.url)
    made = gradclinic("webhooks", "create", "team", "--alert", "check.failed", *at, given=URL)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("team  standard  hooks.example.org  on  0 waiting\nIts secret")
    assert "webhook.test  pending" in gradclinic("webhooks", "test", "team", *at).stdout
    shown = gradclinic("webhooks", "show", "team", *at).stdout
    assert "1 waiting" in shown
    assert "webhook.test  pending" in shown
    assert "secret-token" not in shown
    found = json.loads(gradclinic("webhooks", "show", "team", "--json", *at).stdout)
    assert found["alerts"] == ["check.failed"]
    again = gradclinic("webhooks", "redeliver", "team", found["last"][0]["id"], *at)
    assert "has not been delivered yet" in refused(again, 2)
    assert "paused" in gradclinic("webhooks", "pause", "team", *at).stdout
    assert "  on  " in gradclinic("webhooks", "resume", "team", *at).stdout
    assert "secret, which is shown only now: whsec_" in gradclinic("webhooks", "rotate", "team", *at).stdout
    assert "team" in gradclinic("webhooks", "list", *at).stdout
    assert gradclinic("webhooks", "delete", "team", *at).returncode == 0
    assert "/url" in refused(gradclinic("webhooks", "create", "x", *at, given="http://a/\n"), 2)
