"""How often is a diagnosis correct? Compares our rules with the peers' on the same labelled runs.

./run benchmark diagnosis                      the fixed cases, fresh ones, healthy ones and borderline ones
./run benchmark diagnosis --fresh 200 --seed 7
./run benchmark diagnosis --no-corpus --fresh 0 --borderline 0 --healthy 300 --seed 8    how often a false alarm?
"""

from .report import main

__all__ = ["main"]
