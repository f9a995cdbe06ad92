"""`python -m tests.chaos`: as long a play as wanted, with a report; its status is 1 when something was wrong."""

import argparse
import json
import random
import sys

from gradclinic.logs import configure
from gradclinic.settings import Settings

from .play import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--faults", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--lanes", type=int, default=16, help="GRADCLINIC_MAX_LANES; 1 trains every run alone")
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between two faults, and two requests")
    parser.add_argument("--seed", type=int, default=None)
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    configure(Settings())  # what is logged goes to standard error, beside the progress; the report goes out alone
    print(f"seed {seed}", file=sys.stderr)
    report = play(
        asked.database,
        seed=seed,
        runs=asked.runs,
        faults=asked.faults,
        workers=asked.workers,
        pause_s=asked.pause,
        lanes=asked.lanes,
        tell=lambda line: print(line, file=sys.stderr, flush=True),
    )
    print(json.dumps(report.to_json(), indent=2))
    return 1 if report.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
