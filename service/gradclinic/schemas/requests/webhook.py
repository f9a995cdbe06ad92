"""Requests about webhooks."""

from pydantic import ConfigDict

from ...use_cases.webhook import WebhookSpec


class WebhookRequest(WebhookSpec):
    """Where alerts are sent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "on-call",
                    "url": "https://example.org/hooks/gradclinic",
                    "alerts": ["check.failed", "check.recovered"],
                }
            ]
        }
    )
