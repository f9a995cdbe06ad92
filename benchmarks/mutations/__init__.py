"""Do the fast tests notice changes in what the pure packages compute?

It changes one operator or constant of a package at a time, as a seeded generator draws it, in a copy of the checkout,
and runs the fast tests of that package until one fails. A change of `<` to `<=` only moves a boundary, and is counted
apart. Usage:

    ./run benchmark mutations [--json] [--seed N] [--mutations N] [--boundaries N] [--package NAME ...] [--processes N]
"""

from .__main__ import main

__all__ = ["main"]
