"""An alert as it is sent: signed JSON (Standard Webhooks), or the text of a message in Slack."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from standardwebhooks import Webhook as Signer

from ...kernel.json import JsonObject
from ...store import Alert, Delivery, Webhook

USER_AGENT = "gradclinic"


@dataclass(frozen=True)
class Message:
    """The headers and the body of a request."""

    headers: Mapping[str, str]
    body: bytes


def new_signing_secret() -> str:
    """A secret for Standard Webhooks: 256 random bits."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def message_of(webhook: Webhook, delivery: Delivery, *, public_url: str, now: datetime) -> Message:
    """What is sent for a delivery at a time."""
    address = public_url.rstrip("/") + delivery.alert.path if public_url else None
    if webhook.secret is None:
        body = json.dumps({"text": slack_text(delivery.alert, address)})
        return Message(_headers(), body.encode())
    body = json.dumps(_payload(webhook, delivery, address), separators=(",", ":"))
    secrets_now = [webhook.secret]
    if webhook.old_secret is not None and webhook.old_secret_until is not None and now < webhook.old_secret_until:
        secrets_now.append(webhook.old_secret)
    signature = " ".join(Signer(secret).sign(delivery.message_id, now, body) for secret in secrets_now)
    signed = {
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    return Message({**_headers(), **signed}, body.encode())


def slack_text(alert: Alert, address: str | None) -> str:
    """An alert in Slack's mrkdwn; what users wrote has no meaning in it."""
    text = alert.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    link = "" if address is None else f" <{address}|Open>"
    return f"*{alert.kind}*  {text}{link}"


def _payload(webhook: Webhook, delivery: Delivery, address: str | None) -> JsonObject:
    alert = delivery.alert
    data = {"project": webhook.project, "text": alert.text, "path": alert.path, "url": address, **alert.facts}
    return {"type": alert.kind, "timestamp": delivery.created_at.isoformat(), "data": data}


def _headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "User-Agent": USER_AGENT}
