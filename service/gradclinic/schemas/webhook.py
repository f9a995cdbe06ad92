"""Responses about webhooks, and what was delivered to them."""

from datetime import datetime

from pydantic import Field

from ..kernel.vocabulary import AlertKind, DeliveryStatus, WebhookFormat
from .base import Answer, Json


class WebhookUrls(Answer):
    """Links of a webhook."""

    self: str
    deliveries: str
    test: str
    pause: str
    resume: str
    rotate: str

    @classmethod
    def of(cls, name: str) -> "WebhookUrls":
        """The links of a webhook."""
        at = f"/v1/webhooks/{name}"
        return cls(
            self=at,
            deliveries=f"{at}/deliveries",
            test=f"{at}/test",
            pause=f"{at}/pause",
            resume=f"{at}/resume",
            rotate=f"{at}/rotate",
        )


class WebhookAnswer(Answer):
    """A receiver of alerts. Its URL and its secret are not shown."""

    name: str
    host: str
    """The host that alerts are sent to."""
    format: WebhookFormat
    alerts: list[AlertKind]
    """The alerts that it gets."""
    paused: bool
    problem: str | None
    """Why the service paused it; null if it did not."""
    pending: int
    """Number of alerts that wait to be delivered."""
    two_signatures_until: datetime | None
    """Until when alerts are signed as before the last rotation, too; null if there was none."""
    created_at: datetime
    urls: WebhookUrls = Field(default_factory=lambda known: WebhookUrls.of(known["name"]))


class CreatedWebhookAnswer(WebhookAnswer):
    """A webhook with a new secret."""

    secret: str | None
    """Verifies the signatures of what is sent, as Standard Webhooks describes. It is shown only now; null for Slack."""


class WebhookPage(Answer):
    """A page of webhooks, by name; the header `Link` has the address of the next page."""

    items: list[WebhookAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""


class DeliveryAnswer(Answer):
    """An alert that was delivered to a webhook, or is to be."""

    id: str
    number: int
    """Its place in the order of delivery, from 1 on."""
    message_id: str
    """The `webhook-id` that the receiver gets: the same for all attempts, and if it is delivered again."""
    kind: AlertKind
    text: str
    data: Json
    """What the alert says to programs."""
    created_at: datetime
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    """null if it is not pending."""
    ended_at: datetime | None
    """When it was delivered, or was given up."""
    response_status: int | None
    """The HTTP status of the last response; null if there was none."""
    problem: str | None
    """Why the last attempt failed."""


class DeliveryPage(Answer):
    """A page of deliveries, newest first; the header `Link` has the address of the next page."""

    items: list[DeliveryAnswer]
    next: str | None
    """Value of `after` for the next page; null on the last page."""
