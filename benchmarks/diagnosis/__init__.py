"""How often is a diagnosis right? Labelled runs, our rules and the peers' side by side on the same records.

./run benchmark diagnosis                      the fixed cases, fresh ones and borderline ones
./run benchmark diagnosis --fresh 200 --seed 7
"""

from .report import main

__all__ = ["main"]
