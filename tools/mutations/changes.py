"""The changes that may be made to a file: a comparison turned, a `not` dropped, nothing returned…"""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
# Of what stands in them nothing is run when the function is: text, annotations, decorators.
_NOT_ENTERED = {"annotation", "returns", "decorator_list"}


@dataclass(frozen=True)
class Change:
    """Bytes `start` to `end` of a file, in line `line`, become `after`."""

    file: str
    line: int
    kind: str
    start: int
    end: int
    before: str
    after: str

    def made_to(self, source: bytes) -> bytes:
        """The file's content with it; every other line keeps its number."""
        after, lost = self.after, "\n" * (self.before.count("\n") - self.after.count("\n"))
        after = f"{after[:-1]}{lost})" if after.endswith(")") else after + lost
        return source[: self.start] + after.encode() + source[self.end :]


def changes_of(file: str, source: bytes) -> list[Change]:
    """Every change that is known of, inside functions."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in _run_in_functions(ast.parse(source)):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = source[start:end].decode()
        for kind, after in _variants(node):
            found.append(Change(file, node.lineno, kind, start, end, before, after))
    return found


def _run_in_functions(tree: ast.AST, inside: bool = False) -> Iterator[ast.expr | ast.stmt]:
    for name, value in ast.iter_fields(tree):
        for node in value if isinstance(value, list) else [value]:
            # Places inside an f-string are not told truly by Python 3.11.
            if not isinstance(node, ast.AST) or name in _NOT_ENTERED or isinstance(node, ast.JoinedStr):
                continue
            within = inside or (name == "body" and isinstance(tree, ast.FunctionDef | ast.AsyncFunctionDef))
            if within and isinstance(node, ast.expr | ast.stmt):
                yield node
            yield from _run_in_functions(node, within)


def _variants(node: ast.expr | ast.stmt) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for other in _COMPARISONS[type(operator)]:
                    changed = copy.deepcopy(node)
                    changed.ops[index] = other()
                    yield "comparison", f"({ast.unparse(changed)})"
        case ast.BinOp() if type(node.op) in _OPERATORS and not _is_text(node):
            changed_sum = copy.deepcopy(node)
            changed_sum.op = _OPERATORS[type(node.op)]()
            yield "operator", f"({ast.unparse(changed_sum)})"
        case ast.BoolOp():
            changed_pair = copy.deepcopy(node)
            changed_pair.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield "and/or", f"({ast.unparse(changed_pair)})"
        case ast.UnaryOp(op=ast.Not()):
            yield "not dropped", f"({ast.unparse(node.operand)})"
        case ast.Constant(value=bool(value)):
            yield "constant", str(not value)
        case ast.Constant(value=int(number) | float(number)):
            yield "constant", str(number + 1)
        case ast.IfExp():
            branches = ast.IfExp(node.test, node.orelse, node.body)
            yield "branches swapped", f"({ast.unparse(branches)})"
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "nothing returned", "return None"
        case ast.Return(value=None):
            yield "no early return", "pass"
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign():
            yield "statement dropped", "pass"
        case ast.Break():
            yield "break/continue", "continue"
        case ast.Continue():
            yield "break/continue", "break"


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _is_text(node: ast.BinOp) -> bool:
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )
