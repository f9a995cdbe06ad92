"""Which operators and constants of a package can be changed, and into what.

A change is made to the syntax tree, so that comments, docstrings and type annotations are left alone.
"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BOUNDARIES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.LtE: ast.GtE,
    ast.Gt: ast.Lt,
    ast.GtE: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Pow: ast.Mult,
}
EXTREMES = {"min": "max", "max": "min"}
_LOGS = ("log", "logger")


@dataclass(frozen=True)
class Change:
    """One operator or constant that is changed."""

    package: str
    path: str
    """Of the file, from the checkout's root."""
    line: int
    before: str
    after: str
    boundary: bool
    """Whether it only moves a boundary by the one value that lies on it."""
    place: tuple[int, int]
    """Number of the node among those of the file that compute, and of its variant."""

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: `{self.before}` to `{self.after}`"


def changes(checkout: Path, package: str) -> Iterator[Change]:
    """Every change of a package, in the order of its files and lines."""
    folder = checkout / "service" / "gradclinic" / package
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for index, node in enumerate(_computing(tree)):
            for variant, (after, boundary) in enumerate(_variants(node)):
                yield Change(
                    package=package,
                    path=str(path.relative_to(checkout)),
                    line=node.lineno,
                    before=ast.unparse(node),
                    after=ast.unparse(after),
                    boundary=boundary,
                    place=(index, variant),
                )


def changed(source: str, change: Change) -> str:
    """The whole file after the change."""
    tree = ast.parse(source)
    index, variant = change.place
    node = list(_computing(tree))[index]
    replacement, _ = list(_variants(node))[variant]
    node.__class__ = replacement.__class__
    node.__dict__ = replacement.__dict__
    return ast.unparse(tree)


def _computing(node: ast.AST) -> Iterator[ast.expr | ast.AugAssign]:
    """The nodes that compute: not those of annotations, docstrings and log messages."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _logs(child):
                continue
            if isinstance(child, ast.expr | ast.AugAssign):
                yield child
            yield from _computing(child)


def _logs(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    return isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id in _LOGS


def _variants(node: ast.AST) -> Iterator[tuple[ast.expr | ast.AugAssign, bool]]:
    """What a node can be changed into, and whether that only moves a boundary."""
    match node:
        case ast.Compare(ops=ops):
            for index, each in enumerate(ops):
                for table in (BOUNDARIES, OPPOSITES):
                    if (other := table.get(type(each))) is not None:
                        others = [*ops[:index], other(), *ops[index + 1 :]]
                        yield _with(node, ops=others), table is BOUNDARIES
        case ast.BoolOp(op=op):
            yield _with(node, op=ast.And() if isinstance(op, ast.Or) else ast.Or()), False
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield operand, False
        case ast.BinOp(op=op, left=left, right=right):
            if (operator := ARITHMETIC.get(type(op))) is not None:
                yield _with(node, op=operator()), False
                for side, operand in (("left", left), ("right", right)):
                    if isinstance(operand, ast.Constant) and type(operand.value) in (int, float):
                        yield _with(node, **{side: ast.Constant(_other(operand.value))}), False
        case ast.AugAssign(op=op) if (operator := ARITHMETIC.get(type(op))) is not None:
            yield _with(node, op=operator()), False
        case ast.Call(func=ast.Name(id=name)) if name in EXTREMES:
            yield _with(node, func=ast.Name(EXTREMES[name])), False


def _with(node: ast.expr | ast.AugAssign, **fields: object) -> ast.expr | ast.AugAssign:
    other = copy.copy(node)
    other.__dict__ = {**node.__dict__, **fields}
    return other


def _other(number: float) -> float:
    return number + 1 if isinstance(number, int) else number * 1.5
