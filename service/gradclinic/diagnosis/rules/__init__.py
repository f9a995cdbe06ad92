"""The rules, one condition a file, told apart by the condition that they name."""

from ...kernel import registry
from .base import Rule

RULES: dict[str, Rule] = {
    name: cls()  # type: ignore[call-arg]  # the tag has a default in every concrete class
    for name, cls in registry.members(__name__, Rule, tag="condition").items()
}

__all__ = ["RULES", "Rule"]
