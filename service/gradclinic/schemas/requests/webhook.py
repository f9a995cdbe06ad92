"""Requests about webhooks."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ...kernel.spec import Spec
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


class RotateRequest(Spec):
    """How a webhook gets a new secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"keep_hours": 24}]})

    keep_hours: Annotated[int, Field(ge=0, le=720)] = 24
    """Hours for which alerts are signed with the old secret, too."""
