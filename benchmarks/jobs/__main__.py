import argparse
import json
import os

from .bare import bare_processes, bare_rate
from .report import measurements, phase_rows
from .throughput import Block, measure, service


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(prog="benchmark jobs", description="Measure the throughput of the whole service.")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--steps", type=int, nargs="+", default=[50, 200, 2000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--phases", action="store_true", help="only measure the phases of one run, without a service")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = phase_rows(options.database, options.steps, runs=10)
    blocks: list[Block] = []
    for repeat in range(0 if options.phases else options.repeats):
        for workers in options.workers[:: 1 if repeat % 2 == 0 else -1]:  # so that drift cancels out
            with bare_processes(workers) as pool:
                bare = {steps: bare_rate(pool, workers=workers, steps=steps) for steps in options.steps}
            with service(options.database, workers) as made:
                blocks += [
                    measure(made, workers=workers, steps=steps, bare_runs_a_minute=bare[steps])
                    for steps in options.steps
                ]
    rows += measurements(blocks, options.database)
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{len(os.sched_getaffinity(0))} cores, load average {os.getloadavg()[0]:.1f}")
    for row in rows:
        noise = f"(+- {row['noise']:.3g})" if row["noise"] else ""
        print(f"{row['configuration']:44} {row['subject']:30} {row['value']:9.4g} {row['unit']:28} {noise}")


if __name__ == "__main__":
    main()
