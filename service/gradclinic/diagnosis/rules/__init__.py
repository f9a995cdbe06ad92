"""The rules, one condition a file, told apart by the condition that they name."""

from typing import TYPE_CHECKING, Literal, TypeAlias

from ...kernel import registry
from .base import Rule

RULES: dict[str, Rule] = {
    name: cls()  # type: ignore[call-arg]  # the tag has a default in every concrete class
    for name, cls in registry.members(__name__, Rule, tag="condition").items()
}

NOTHING_WRONG = frozenset(name for name, rule in RULES.items() if rule.finds_nothing_wrong)
"""Conditions of runs of which no rule says that something is wrong."""

STOPPING_CONDITIONS = tuple(name for name, rule in RULES.items() if rule.may_stop)
"""Those that a run may be asked to stop on."""

if TYPE_CHECKING:
    Condition: TypeAlias = str
else:
    Condition = Literal[tuple(RULES)]
"""The name of a rule, where a request names one."""

__all__ = ["NOTHING_WRONG", "RULES", "STOPPING_CONDITIONS", "Condition", "Rule"]
