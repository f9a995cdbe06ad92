"""Filters of lists."""

from typing import Annotated

from fastapi import Depends, Query

from ...diagnosis import Condition
from ...kernel.errors import InvalidRequest

ConditionFilter = Annotated[Condition | None, Query(description="Only items with this primary condition.")]
LabelFilter = Annotated[
    list[str] | None, Query(max_length=10, description="Only items with this label, as `key:value`; repeatable.")
]


def _labels(label: LabelFilter = None) -> dict[str, str]:
    labels = {}
    for each in label or ():
        key, separator, value = each.partition(":")
        if not separator or "\x00" in each:
            raise InvalidRequest.at("", "the parameter `label` must be key:value", value=each, allowed="key:value")
        labels[key] = value
    return labels


Labels = Annotated[dict[str, str], Depends(_labels)]
