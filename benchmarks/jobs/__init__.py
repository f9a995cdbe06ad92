"""Throughput of the whole service with 1, 2 and 4 workers, and the fraction of their time not spent training.

A real service (API, Valkey, database, reconciler, workers) trains one study after another. Each number of workers gets
a service of its own in turn, `--repeats` times; figures are medians, the noise is half their range. A rate counts runs
from one end to a later one, without the last ones, at which some workers have nothing left to do. Beside it stands what
as many bare processes train, without a service: more than these the machine does not give.

Usage:

    ./run benchmark jobs [--json] [--database sqlite|postgresql] [--workers 1 2 4] [--steps 50 200 2000]
        [--repeats 3] [--phases]
"""

from .__main__ import main

__all__ = ["main"]
