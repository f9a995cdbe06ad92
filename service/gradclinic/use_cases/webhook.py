"""Creates webhooks, and sends them an alert to try them."""

from typing import Annotated, get_args

from pydantic import Field, StringConstraints

from ..kernel.names import AddressName
from ..kernel.spec import Items, Spec
from ..kernel.vocabulary import AlertKind, WebhookFormat
from ..store import Alert, Delivery, NewWebhook, Webhook
from .alerts.message import new_signing_secret
from .alerts.target import check_url
from .request_id import request_id
from .service import Service

ALERT_KINDS: tuple[AlertKind, ...] = get_args(AlertKind)


class WebhookSpec(Spec):
    """Where alerts of a project are sent."""

    name: AddressName
    """Name of the webhook."""
    url: Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=r"^[\x21-\x7e]+$")]
    """Where alerts are sent, by https. No answer shows it again, because it may contain a secret."""
    format: WebhookFormat = "standard"
    """`standard`: signed JSON (Standard Webhooks); `slack`: the text of an incoming webhook of Slack."""
    alerts: Annotated[Items[AlertKind], Field(min_length=1, max_length=50)] = ALERT_KINDS
    """The alerts that it gets; all if left out."""


def create_webhook(service: Service, spec: WebhookSpec) -> Webhook:
    """Store a webhook; one in the standard format gets a secret. Raises InvalidSpec if nothing may be sent there."""
    check_url(spec.url, private=service.settings.webhook_private)
    return service.store.webhooks.create(
        NewWebhook(
            name=spec.name,
            url=spec.url,
            format=spec.format,
            secret=new_signing_secret() if spec.format == "standard" else None,
            alerts=sorted(set(spec.alerts), key=ALERT_KINDS.index),
            request_id=request_id(),
        )
    )


def rotate_webhook(service: Service, name: str, *, keep_hours: int) -> Webhook:
    """Give a webhook a new secret; alerts are signed with the old one, too, for some hours."""
    return service.store.webhooks.rotate(name, new_signing_secret(), old_lasts_s=3600.0 * keep_hours)


def try_webhook(service: Service, name: str) -> Delivery:
    """Send a webhook an alert that says that it works."""
    text = f"This is a test of the webhook {name!r}."
    return service.store.webhooks.tell(name, Alert(kind="webhook.test", text=text, path="/", facts={"webhook": name}))
