"""Results as tables of pandas and Arrow."""

from abc import abstractmethod
from typing import TYPE_CHECKING

from .extras import extra

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

Cell = str | int | float | None
Columns = dict[str, list[Cell]]
"""The columns of a table by name; all have the same length."""


class Table:
    """Something that can be read as a table."""

    @abstractmethod
    def _columns(self) -> Columns:
        """Its columns."""

    def to_pandas(self) -> "pd.DataFrame":
        """The table as a data frame of pandas. Needs the extra `notebook`."""
        return extra("pandas", name="notebook").DataFrame(self._columns())

    def to_arrow(self) -> "pa.Table":
        """The table as a table of pyarrow. Needs the extra `arrow`."""
        return extra("pyarrow", name="arrow").table(self._columns())


def columns_of(rows: list[dict[str, Cell]]) -> Columns:
    """The columns of rows; a value that a row lacks is None."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}
