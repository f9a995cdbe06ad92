"""`./run benchmark NAME [--json]`: each benchmark is a module or package of this folder with a `main()`."""

import importlib
import pkgutil
import sys
from pathlib import Path


def main() -> None:
    """Run the benchmark named by the first argument, with the remaining arguments."""
    names = sorted(
        module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if module.name[0] != "_"
    )
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: ./run benchmark NAME [--json] [options]; NAME is one of: {', '.join(names)}", file=sys.stderr)
        raise SystemExit(2)
    name = sys.argv.pop(1)
    importlib.import_module(f"benchmarks.{name}").main()


main()
