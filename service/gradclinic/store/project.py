"""Keeps every statement within one project. The rest of the store does not mention projects.

Statements are changed when SQLAlchemy compiles them, which is once for each form of a statement. Rows of an owner, such
as a run, must have the project; rows of a part, such as a run's statistics, must belong to such an owner; and a new
owner gets the project. That holds for every table of a statement, in subqueries and on either side of a join. A
statement that cannot be kept within a project is refused.

On PostgreSQL, policies of the tables do the same beneath it, for the case that a statement was changed wrongly.

The name of the project is not known when a statement is compiled. A mark stands for it, which is replaced when the
statement is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Alias,
    Column,
    Connection,
    Delete,
    Engine,
    Executable,
    FromClause,
    Insert,
    Join,
    Select,
    String,
    Table,
    TextClause,
    Update,
    and_,
    event,
    exists,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import CTE, Subquery, TableValuedAlias

from ..kernel.project import is_project
from . import tables as t

OPTION = "gradclinic_project"
"""The execution option of a connection that has the name of its project."""
_MARK = "'[the project]'"
"""An SQL literal that no project has as its name."""
_KEPT = "gradclinic_kept"
"""The execution option of a SELECT that is such a condition itself."""

OWNERS = frozenset(
    {
        t.alert_states,
        t.baselines,
        t.check_keys,
        t.checks,
        t.datasets,
        t.deleted_datasets,
        t.firings,
        t.idempotency_keys,
        t.pins,
        t.prescription_keys,
        t.prescriptions,
        t.runs,
        t.schedules,
        t.studies,
        t.webhooks,
    }
)
"""The tables whose rows have a project."""
PARTS: Mapping[Table, Column[Any]] = {
    t.check_runs: t.check_runs.c.check_id,
    t.chunks: t.chunks.c.run_id,
    t.deleted_trials: t.deleted_trials.c.prescription_id,
    t.deliveries: t.deliveries.c.webhook_id,
    t.findings: t.findings.c.run_id,
    t.labels: t.labels.c.run_id,
    t.layer_summaries: t.layer_summaries.c.run_id,
    t.packs: t.packs.c.run_id,
    t.pinned_runs: t.pinned_runs.c.pin_id,
    t.recordings: t.recordings.c.run_id,
    t.transitions: t.transitions.c.run_id,
    t.trials: t.trials.c.prescription_id,
}
"""The tables whose rows belong to that of an owner, with the column that refers to it."""
SHARED = frozenset({t.api_keys, t.audit_entries, t.layouts, t.run_tallies, t.sessions, t.workers})
"""The tables of the whole installation."""


def keep_within_project(engine: Engine) -> None:
    """Let an engine reach the rows of one project only: that of its connection's option."""
    own = engine.dialect.statement_compiler
    engine.dialect.statement_compiler = type(f"{own.__name__}WithinProject", (_WithinProject, own), {})
    event.listen(engine, "before_cursor_execute", _name_project, retval=True)


def name_project_to_server(connection: Connection) -> None:
    """Tell PostgreSQL the project of a transaction, whose policies then hide all other rows from any statement.

    They do not apply to a superuser, or to a role with BYPASSRLS.
    """
    project = connection.get_execution_options().get(OPTION)
    connection.exec_driver_sql("SELECT set_config('gradclinic.project', %s, true)", (project,))


def refuse_new_owners(engine: Engine) -> None:
    """Let an engine, which reaches the rows of all projects, store no new ones: it does not know their project."""
    event.listen(engine, "before_execute", _refuse_new_owner)


class _WithinProject:
    """Compiles statements that reach the rows of one project. A dialect's own compiler comes after it."""

    def visit_select(self, select_stmt: Select[Any], *args: object, **kwargs: object) -> str:
        """A SELECT, also one within another statement."""
        if not select_stmt.get_execution_options().get(_KEPT):
            first = [_first(source) for source in select_stmt.get_final_froms()]
            select_stmt = select_stmt.where(*(condition for source in first for condition in _belongs(source)))
        return self._as_usual("select", select_stmt, args, kwargs)

    def visit_join(self, join: Join, *args: object, **kwargs: object) -> str:
        """A join, whose right side is kept within the project by its own condition, so that it may be an outer one."""
        conditions = _belongs(_first(join.right))
        if conditions:
            assert join.onclause is not None  # noqa: S101  # SQLAlchemy makes one if none is given
            narrow = and_(join.onclause, *conditions)
            join = Join(join.left, join.right, narrow, isouter=join.isouter, full=join.full)
        return self._as_usual("join", join, args, kwargs)

    def visit_update(self, update_stmt: Update, *args: object, **kwargs: object) -> str:
        """An UPDATE."""
        return self._as_usual("update", update_stmt.where(*_belongs(update_stmt.table)), args, kwargs)

    def visit_delete(self, delete_stmt: Delete, *args: object, **kwargs: object) -> str:
        """A DELETE."""
        return self._as_usual("delete", delete_stmt.where(*_belongs(delete_stmt.table)), args, kwargs)

    def visit_insert(self, insert_stmt: Insert, *args: object, **kwargs: object) -> str:
        """An INSERT; rows that are copied from another table are copied with their project."""
        if insert_stmt.table in OWNERS:
            if insert_stmt.select is None:
                insert_stmt = insert_stmt.values(project=literal_column(_MARK))
            elif "project" not in (insert_stmt._select_names or ()):
                raise TypeError(f"rows of {insert_stmt.table} cannot be copied without their project")
        return self._as_usual("insert", insert_stmt, args, kwargs)

    def visit_textclause(self, textclause: TextClause, *_args: object, **_kwargs: object) -> str:
        """A statement as text, whose tables are not known."""
        raise TypeError(f"{textclause.text!r} cannot be kept within a project; use tables and columns")

    def _as_usual(self, kind: str, element: object, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
        compiled: str = getattr(super(), f"visit_{kind}")(element, *args, **kwargs)
        return compiled


def _first(source: FromClause) -> FromClause:
    """The leftmost source of a join; any other source itself."""
    if isinstance(source, Join):
        if source.full:
            raise TypeError("a full join cannot be kept within a project")
        return _first(source.left)
    return source


def _belongs(source: FromClause) -> Sequence[ColumnElement[bool]]:
    """The condition that rows of a table or its alias belong to the project; none for a table that all share."""
    if isinstance(source, (Subquery, CTE, TableValuedAlias)):  # compiled by themselves
        return ()
    table = source.element if isinstance(source, Alias) else source
    project = literal_column(_MARK, String)
    if table in SHARED:
        return ()
    if table in OWNERS:
        return (source.c.project == project,)
    if not isinstance(table, Table) or table not in PARTS:
        raise TypeError(f"rows of {table} cannot be kept within a project")
    column = PARTS[table]
    (key,) = column.foreign_keys
    owner = key.column.table.alias()
    owned = select(1).where(owner.c[key.column.name] == source.c[column.name], owner.c.project == project)
    return (exists(owned.correlate(source).execution_options(**{_KEPT: True})),)


def _name_project(
    connection: Connection, _cursor: object, statement: str, parameters: object, *_: object
) -> tuple[str, object]:
    """Put the name of the connection's project in the place of its mark."""
    if _MARK not in statement:
        return statement, parameters
    project = connection.get_execution_options().get(OPTION)
    if not isinstance(project, str) or not is_project(project):
        raise ValueError(f"{project!r} is no project")
    return statement.replace(_MARK, f"'{project}'"), parameters


def _refuse_new_owner(_connection: Connection, statement: Executable, *_: object) -> None:
    if isinstance(statement, Insert) and statement.table in OWNERS:
        raise ValueError(f"a new row of {statement.table.name} needs a project")
