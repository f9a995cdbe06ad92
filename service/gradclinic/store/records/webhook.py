"""Webhooks that get alerts, and the log of what was delivered to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ...kernel.json import JsonObject
from ...kernel.vocabulary import AlertKind, DeliveryStatus, WebhookFormat


@dataclass(frozen=True, kw_only=True)
class NewWebhook:
    """A webhook to be stored."""

    name: str
    url: str = field(repr=False)
    """Where alerts are sent. It may contain a secret, as those of Slack do."""
    format: WebhookFormat
    secret: str | None = field(repr=False)
    """Signs what is sent; None for Slack, which knows no signatures."""
    alerts: Sequence[AlertKind]
    """The alerts that it gets."""
    request_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Webhook(NewWebhook):
    """A webhook."""

    id: str
    project: str
    paused: bool
    problem: str | None
    """Why the service paused it."""
    created_at: datetime
    pending: int
    """Number of alerts that it has not got yet."""
    old_secret: str | None = field(repr=False)
    """The secret before the last rotation; it signs, too, until `old_secret_until`."""
    old_secret_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What people are told."""

    kind: AlertKind
    text: str
    """One or two sentences."""
    path: str
    """The page that shows it."""
    facts: JsonObject
    """What programs need to know of it."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """An alert on its way to a webhook."""

    id: str
    number: int
    """Its place among all deliveries to the webhook, from 1 on."""
    message_id: str
    """The same for each attempt, for each webhook and if it is delivered again."""
    alert: Alert
    created_at: datetime
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    """None if it is not pending."""
    ended_at: datetime | None
    """When it was delivered, or was given up."""
    response_status: int | None
    """The HTTP status of the last answer; None if there was none."""
    problem: str | None
    """Why the last attempt failed."""


@dataclass(frozen=True)
class Outgoing:
    """The next delivery to a webhook, held by one sender for some time."""

    webhook: Webhook
    delivery: Delivery
    token: str
    """Proves that the sender still holds the webhook."""


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of an attempt to deliver."""

    status: DeliveryStatus
    """Pending if there will be another attempt."""
    response_status: int | None
    problem: str | None
    wait_s: float = 0.0
    """Seconds until the next attempt."""
    ends_webhook: bool = False
    """Whether the receiver wants no more."""
