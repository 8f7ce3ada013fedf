"""The stop condition of a loop: an expression over the values of the context, without `eval`.

`quality >= 0.7 and i > 3`. It is checked before anything runs; the library simpleeval computes it,
which knows no attributes of Python's own objects, no imports and no calls but those named here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import WorkflowError

ITERATION = "i"
_COMPARE = "A text is neither true nor false: compare it, like `answer == 'yes'`"
_TOO_DEEP = (
    "it is nested too deep. Make it shorter: let a workflow compute a part, and give it out "
    "through a port"
)
# What simpleeval can compute, and a condition has no use for. An f-string may be as wide as is
# written in it: that may be all of the memory.
_NOT_FOR_CONDITIONS = (ast.Attribute, ast.JoinedStr, ast.FormattedValue)


class Condition:
    """An expression that was checked.

    Args:
        text: the expression.
        unique_ids: the values it may use. A unique_id that is no name of Python's is written with
            "_" for what is neither letter nor digit: "my value" is `my_value`.

    Raises:
        WorkflowError: it can't be read, or uses what is not there.
    """

    def __init__(self, text: str, unique_ids: Iterable[str]):
        self.text = " ".join(text.split())
        self._names = _names(unique_ids)
        self._tree = _parse(self.text)
        self._used = _check(self.text, self._tree, self._names)

    @property
    def unique_ids(self) -> tuple[str, ...]:
        """The values that it looks at."""
        return tuple(self._names[name] for name in self._used if name in self._names)

    def is_met(self, iteration: int, load: Callable[[str], Any]) -> bool:
        """Whether the loop is to end.

        Args:
            iteration: how many iterations are done; `i` in the expression.
            load: unique_id -> value; KeyError where nothing is stored yet.

        Raises:
            WorkflowError: it can't be computed with these values; they are shown.
        """
        values: dict[str, Any] = {ITERATION: iteration}
        for name in self._used:
            if name in self._names:
                values[name] = _bare(load(self._names[name]))
        evaluator = _evaluator(values)
        try:
            result = evaluator.eval(self.text, previously_parsed=self._tree)
            if isinstance(result, (str, bytes)):
                raise TypeError(f"the result is the text {_show(result)}. {_COMPARE}")
            return bool(result)
        except Exception as e:  # whatever the values make of it
            shown = ", ".join(f"{name} = {_show(value)}" for name, value in values.items())
            raise WorkflowError(
                f"The condition {self.text!r} can't be computed after iteration {iteration}: "
                f"{_reason(e)}. The values: {shown}."
            ) from e


def _names(unique_ids: Iterable[str]) -> dict[str, str]:
    names: dict[str, str] = {}
    for uid in unique_ids:
        name = re.sub(r"\W", "_", uid)
        names.setdefault(f"_{name}" if name[:1].isdigit() else name, uid)
    return names


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as e:
        place = f" at character {e.offset}" if isinstance(e, SyntaxError) and e.offset else ""
        if isinstance(e, (RecursionError, MemoryError)):  # which of them depends on the Python
            reason = _TOO_DEEP
        else:
            reason = e.msg if isinstance(e, SyntaxError) else e
        raise WorkflowError(
            f"The condition {text!r} can't be read: {reason}{place}. Write it like "
            "`quality >= 0.7 and i > 3`."
        ) from e


def _check(text: str, tree: ast.expr, names: Mapping[str, str]) -> tuple[str, ...]:
    """The names of values that it uses.

    Raises:
        WorkflowError: unknown names, parts of Python that are not for conditions, or a text where
            true or false is asked for.
    """
    if ITERATION in names:
        raise WorkflowError(
            f"A port is called {ITERATION!r}, which is the number of the iteration in a condition. "
            "Rename the port."
        )
    functions = ", ".join(f"{name}()" for name in sorted(_FUNCTIONS))
    refused = _find_refused(tree)
    if refused is not None:
        raise WorkflowError(
            f"The condition {text!r} uses {refused}, which it may not. Compare values with <, <=, "
            f"==, and, or, not, and the functions {functions}."
        )
    called = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call)}
    read = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and n not in called)
    used = tuple(dict.fromkeys(node.id for node in read))
    unknown = [name for name in used if name not in {*names, ITERATION}]
    if unknown:
        raise WorkflowError(
            f"The condition {text!r} uses {', '.join(map(repr, unknown))}. It may use i (the "
            f"iterations done), the values {', '.join(sorted(names)) or '(none)'} and the "
            f"functions {functions}."
        )
    for judged in _find_judged(tree):
        if isinstance(judged, ast.Constant) and isinstance(judged.value, (str, bytes)):
            raise WorkflowError(
                f"The condition {text!r} takes the text {judged.value!r} for true or false. "
                f"{_COMPARE}."
            )
    return used


def _find_refused(tree: ast.expr) -> str | None:
    """The first part of it that no condition may have."""
    evaluator = _evaluator({})
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if not isinstance(node.func, ast.Name):
                return "a call of something that is no function here"
            if node.func.id not in _FUNCTIONS:
                return f"{node.func.id!r} as a function"
        is_unknown = (isinstance(node, ast.expr) and type(node) not in evaluator.nodes) or (
            isinstance(node, ast.operator) and type(node) not in evaluator.operators
        )
        if is_unknown or isinstance(node, _NOT_FOR_CONDITIONS):
            return type(node).__name__
    return None


def _find_judged(tree: ast.expr) -> Iterator[ast.expr]:
    """The parts of it that are asked whether they are true."""
    yield tree
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp):
            yield from node.values
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            yield node.operand
        elif isinstance(node, ast.IfExp):
            yield node.test


def _evaluator(values: dict[str, Any]) -> Any:
    simpleeval = _simpleeval()
    operators = {**simpleeval.DEFAULT_OPERATORS, ast.Mod: _remainder}
    evaluator = simpleeval.EvalWithCompoundTypes(operators, names=values)
    evaluator.functions = dict(_FUNCTIONS)  # without those that it adds
    return evaluator


def _simpleeval() -> Any:
    try:
        import simpleeval
    except ImportError as e:
        raise WorkflowError(
            "A stop condition needs the package simpleeval, which ComfyUI's Python lacks. Install "
            "it there: python -m pip install simpleeval"
        ) from e
    return simpleeval


def _reason(error: Exception) -> str:
    """Why it can't be computed, and what to do; simpleeval's own words do not say that."""
    simpleeval = _simpleeval()
    if isinstance(error, (simpleeval.NumberTooHigh, OverflowError)):
        return "a number becomes too large. Use smaller powers and shifts"
    if isinstance(error, (simpleeval.IterableTooLong, MemoryError)):
        return (
            "a text or list becomes too long. Compare its length, like `len(text) > 200`, or a "
            "part of it, like `text[:20] == 'yes'`"
        )
    if isinstance(error, RecursionError):
        return _TOO_DEEP
    if isinstance(error, simpleeval.InvalidExpression):
        return "it uses what a condition may not"
    return str(error) or type(error).__name__


def _remainder(a: Any, b: Any) -> Any:
    """Not for texts, where % fills in, as wide as is written: that may be all of the memory."""
    if isinstance(a, (str, bytes)):
        raise TypeError("% is for numbers, not for texts")
    return a % b


def _mean(value: Any) -> float:
    return float(_tensor(value).mean())


def _std(value: Any) -> float:
    return float(_tensor(value).std())


def _min(*values: Any) -> Any:
    return float(_tensor(values[0]).min()) if len(values) == 1 else min(values)


def _max(*values: Any) -> Any:
    return float(_tensor(values[0]).max()) if len(values) == 1 else max(values)


def _tensor(value: Any) -> Any:
    import torch

    return value.float() if isinstance(value, torch.Tensor) else torch.tensor(value).float()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "bool": bool,
    "float": float,
    "int": int,
    "len": len,
    "lower": lambda text: str(text).lower(),
    "max": _max,
    "mean": _mean,
    "min": _min,
    "round": round,
    "std": _std,
    "str": str,
}


def _bare(value: Any) -> Any:
    """The Python number in a tensor of one element."""
    if hasattr(value, "numel") and value.numel() == 1 and value.ndim <= 1:
        return value.item()
    return value


def _show(value: Any) -> str:
    if hasattr(value, "shape"):
        return f"a tensor of shape {list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
