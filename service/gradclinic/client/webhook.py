"""Webhooks: where alerts are sent."""

from collections.abc import Iterator, Sequence

from ..kernel.vocabulary import AlertKind, WebhookFormat
from ..schemas.webhook import CreatedWebhookAnswer, DeliveryAnswer, WebhookAnswer
from .connection import Calls, name_in_path


class WebhookCalls(Calls):
    """The methods of `Clinic` for webhooks."""

    def create_webhook(
        self,
        name: str,
        url: str,
        *,
        format: WebhookFormat = "standard",  # noqa: A002  # named like the field
        alerts: Sequence[AlertKind] | None = None,
    ) -> CreatedWebhookAnswer:
        """Send alerts to an URL, all kinds if none are named. Keep the `secret` of the answer: it is shown only now."""
        chosen = {} if alerts is None else {"alerts": list(alerts)}
        return self.connection.post(
            CreatedWebhookAnswer, "/v1/webhooks", {"name": name, "url": url, "format": format, **chosen}
        )

    def get_webhook(self, name: str) -> WebhookAnswer:
        """Get a webhook."""
        return self.connection.get(WebhookAnswer, _path(name))

    def webhooks(self) -> Iterator[WebhookAnswer]:
        """Iterate over webhooks, by name."""
        return self.connection.items(WebhookAnswer, "/v1/webhooks")

    def pause_webhook(self, name: str, *, paused: bool = True) -> WebhookAnswer:
        """Pause a webhook, or resume it."""
        return self.connection.post(WebhookAnswer, f"{_path(name)}/{'pause' if paused else 'resume'}")

    def rotate_webhook(self, name: str, *, keep_hours: int = 24) -> CreatedWebhookAnswer:
        """Give a webhook a new secret, which only the answer has. The old one signs, too, for some hours."""
        return self.connection.post(CreatedWebhookAnswer, f"{_path(name)}/rotate", {"keep_hours": keep_hours})

    def test_webhook(self, name: str) -> DeliveryAnswer:
        """Send a webhook an alert to try it."""
        return self.connection.post(DeliveryAnswer, f"{_path(name)}/test")

    def deliveries(self, name: str) -> Iterator[DeliveryAnswer]:
        """Iterate over the log of a webhook, newest first."""
        return self.connection.items(DeliveryAnswer, f"{_path(name)}/deliveries")

    def redeliver(self, name: str, delivery_id: str) -> DeliveryAnswer:
        """Deliver an alert again that was delivered or lost."""
        return self.connection.post(DeliveryAnswer, f"{_path(name)}/deliveries/{name_in_path(delivery_id)}/redeliver")

    def delete_webhook(self, name: str) -> None:
        """Delete a webhook with its log."""
        self.connection.delete(_path(name))


def _path(name: str) -> str:
    return f"/v1/webhooks/{name_in_path(name)}"
