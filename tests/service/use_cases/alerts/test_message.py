import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from gradclinic.store import Alert, Delivery, Store, Webhook
from gradclinic.use_cases.alerts.message import message_of, new_signing_secret, slack_text

from ...store.projects import ALERT, WEBHOOK

PAGES = "https://gradclinic.example.org/"


def waiting(store: Store, **changes: object) -> tuple[Webhook, Delivery]:
    webhook = store.webhooks.create(replace(WEBHOOK, **changes))
    return webhook, store.webhooks.tell("team", ALERT)


def test_a_message_is_verified_by_the_reference_implementation(store: Store) -> None:
    secret = new_signing_secret()
    webhook, delivery = waiting(store, secret=secret)
    message = message_of(webhook, delivery, public_url=PAGES, now=datetime.now(UTC))
    payload = Verifier(secret).verify(message.body, dict(message.headers))
    assert payload["type"] == "check.failed"
    assert datetime.fromisoformat(payload["timestamp"]) == delivery.created_at
    assert payload["data"] == {
        "project": "default", "text": "It is worse.", "path": "/checks/check_1", "check": "check_1",
        "url": "https://gradclinic.example.org/checks/check_1",
    }  # fmt: skip
    assert message.headers["webhook-id"] == delivery.message_id
    assert secret not in str(message)


def test_two_secrets_differ_and_have_256_bits() -> None:
    assert new_signing_secret() != new_signing_secret()
    assert len(Verifier(new_signing_secret())._whsecret) == 32


def test_slack_gets_a_text_in_which_names_of_users_mean_nothing(store: Store) -> None:
    webhook, delivery = waiting(store, format="slack", secret=None)
    message = message_of(webhook, delivery, public_url="", now=datetime.now(UTC))
    assert json.loads(message.body) == {"text": "*check.failed*  It is worse."}
    assert "webhook-signature" not in message.headers
    rude = Alert(kind="recording.sick", text="<!channel> & <http://x|y>", path="/", facts={})
    assert slack_text(rude, "https://a/") == (
        "*recording.sick*  &lt;!channel&gt; &amp; &lt;http://x|y&gt; <https://a/|Open>"
    )


def test_during_a_rotation_a_message_is_verified_with_the_old_and_the_new_secret(store: Store) -> None:
    old, new = new_signing_secret(), new_signing_secret()
    _, delivery = waiting(store, secret=old)
    webhook = store.webhooks.rotate("team", new, old_lasts_s=3600.0)
    now = datetime.now(UTC)
    message = message_of(webhook, delivery, public_url=PAGES, now=now)
    for secret in (old, new):
        assert Verifier(secret).verify(message.body, dict(message.headers))["type"] == "check.failed"
    webhook = replace(webhook, old_secret_until=now - timedelta(seconds=1))
    message = message_of(webhook, delivery, public_url=PAGES, now=now)
    Verifier(new).verify(message.body, dict(message.headers))
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(message.body, dict(message.headers))
