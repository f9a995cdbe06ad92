"""The rules, one condition per file, by the name of their condition."""

from typing import TYPE_CHECKING, Literal, TypeAlias

from ...kernel import registry
from .base import Rule

RULES: dict[str, Rule] = {
    name: cls()  # type: ignore[call-arg]  # the tag has a default in every concrete class
    for name, cls in registry.members(__name__, Rule, tag="condition").items()
}

NOTHING_WRONG = frozenset(name for name, rule in RULES.items() if rule.finds_nothing_wrong)
"""Conditions of runs in which no rule finds anything wrong."""

STOPPING_CONDITIONS = tuple(name for name, rule in RULES.items() if rule.may_stop)
"""Conditions that may stop a run early."""

if TYPE_CHECKING:
    Condition: TypeAlias = str
else:
    Condition = Literal[tuple(RULES)]
"""The name of a rule in a request."""

__all__ = ["NOTHING_WRONG", "RULES", "STOPPING_CONDITIONS", "Condition", "Rule"]
