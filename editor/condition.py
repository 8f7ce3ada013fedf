"""The stop condition of a loop: an expression over the values of the context, without `eval`.

`quality >= 0.7 and i > 3`. It is checked before anything runs; the library simpleeval computes it,
which knows no attributes of Python's own objects, no imports and no calls but those named here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import WorkflowError

ITERATION = "i"


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
            return bool(evaluator.eval(self.text, previously_parsed=self._tree))
        except Exception as e:  # whatever the values make of it
            shown = ", ".join(f"{name} = {_show(value)}" for name, value in values.items())
            raise WorkflowError(
                f"The condition {self.text!r} can't be computed after iteration {iteration}: {e}. "
                f"The values: {shown}."
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
        reason = e.msg if isinstance(e, SyntaxError) else e
        raise WorkflowError(
            f"The condition {text!r} can't be read: {reason}{place}. Write it like "
            "`quality >= 0.7 and i > 3`."
        ) from e


def _check(text: str, tree: ast.expr, names: Mapping[str, str]) -> tuple[str, ...]:
    """The names that it uses.

    Raises:
        WorkflowError: unknown names, or parts of Python that are not for conditions.
    """
    if ITERATION in names:
        raise WorkflowError(
            f"A port is called {ITERATION!r}, which is the number of the iteration in a condition. "
            "Rename the port."
        )
    evaluator = _evaluator({})
    functions = set(evaluator.functions)
    used: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not isinstance(node.func, ast.Name):
            raise WorkflowError(f"The condition {text!r} calls something that is no function here.")
        if isinstance(node, ast.Name):
            used[node.id] = None
        elif isinstance(node, ast.Attribute) or (
            isinstance(node, ast.expr) and type(node) not in evaluator.nodes
        ):
            raise WorkflowError(
                f"The condition {text!r} uses {type(node).__name__}, which it may not. Compare "
                "values with <, <=, ==, and, or, not, and the functions "
                f"{', '.join(sorted(functions))}."
            )
    unknown = [name for name in used if name not in names and name not in functions | {ITERATION}]
    if unknown:
        raise WorkflowError(
            f"The condition {text!r} uses {', '.join(map(repr, unknown))}. It may use i (the "
            f"iterations done), the values {', '.join(sorted(names)) or '(none)'} and the "
            f"functions {', '.join(sorted(functions))}."
        )
    return tuple(used)


def _evaluator(values: dict[str, Any]) -> Any:
    try:
        import simpleeval
    except ImportError as e:
        raise WorkflowError(
            "A stop condition needs the package simpleeval, which ComfyUI's Python lacks. Install "
            "it there: python -m pip install simpleeval"
        ) from e
    return simpleeval.EvalWithCompoundTypes(names=values, functions=dict(_FUNCTIONS))


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
