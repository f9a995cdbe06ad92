"""Claims about vanishing and exploding gradients, each with the experiment that tests it and the decision rule.

for claim in CLAIMS.values():
results = [...]                       # a RunResult for each of claim.trials(quick=True)
print(claim.statement, claim.judge(results, quick=True).verdict)
"""

import importlib
import pkgutil

from .claim import Claim, Figure, Ruling


def _found() -> dict[str, Claim]:
    modules = (importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__))
    claims = [module.CLAIM for module in modules if hasattr(module, "CLAIM")]
    return {claim.id: claim for claim in sorted(claims, key=lambda claim: claim.order)}


CLAIMS: dict[str, Claim] = _found()
"""All claims by id, in order."""

__all__ = ["CLAIMS", "Claim", "Figure", "Ruling"]
