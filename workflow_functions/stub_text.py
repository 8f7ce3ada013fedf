"""The text of a stub and of the module that it is for. Pure, and the same for the same workflows.

Every name that a stranger's workflow brings is an identifier or a literal here, made in
`identifiers.py` and `python_text.py`. What the text uses itself begins with an underscore, which no
function's name does.
"""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from .identifiers import to_identifier, unused
from .python_text import default_of, docstring, literal, width
from .shape import Parameter, Shape
from .stub_header import header_lines
from .stub_types import input_type, literal_choices, result_type
from .words import describe_parameter, describe_result

_LINE = 79  # what fits in it, no formatter breaks
_NAME, _CLASS = 24, 30
_RESERVED = frozenset({*dir(builtins), *keyword.kwlist})


@dataclass(frozen=True, slots=True)
class StubFunction:
    """One workflow.

    Attributes:
        file: from the folder of the stub, with slashes.
        stamp: of what is in it.
    """

    file: str
    stamp: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class _Named:
    """A workflow with the names that it has in the stub."""

    workflow: StubFunction
    function: str
    class_name: str

    @property
    def results(self) -> str:
        return f"{self.class_name}Results"


def stub_text(workflows: Sequence[StubFunction], package: str, references: Collection[str]) -> str:
    """The stub.

    Args:
        package: the name that we are imported by.
        references: the types that go by reference.
    """
    named = _with_names(workflows)
    lines = [
        *docstring(0, "Workflows as functions, for editors and type checkers."),
        "",
        *_header(named, package),
        "",
        "import typing as _t",
        "",
        f"import {package} as _d",
        f"import {package}.sync as _sync",
        f"import {package}.workflow_functions as _f",
    ]
    for one in named:
        lines += ["", *_Classes(one, references).lines(), "", *_functions(one)]
    return "\n".join([*lines, ""])


def module_text(workflows: Sequence[StubFunction], package: str) -> str:
    """The module beside the stub: it loads the workflows, and needs nothing of ours."""
    named = _with_names(workflows)
    lines = [
        *docstring(0, "Workflows as functions. Their types are in the .pyi file beside this one."),
        "",
        *_header(named, package),
        "",
        "from pathlib import Path as _Path",
        "",
        "_FOLDER = _Path(__file__).resolve().parent",
        "_FILES = {",
        *(f'    "{one.function}": {literal(one.workflow.file)},' for one in named),
        "}",
        "",
        "",
        "def _load(discomfort, name):",
        "    return discomfort.workflow(_FOLDER / _FILES[name])",
    ]
    for one in named:
        lines += [
            "",
            "",
            f"def {one.function}(discomfort, /):",
            *docstring(4, f"The workflow {one.workflow.shape.title} as a function."),
            f'    return _load(discomfort, "{one.function}")',
        ]
    return "\n".join([*lines, ""])


def _header(named: Sequence[_Named], package: str) -> list[str]:
    rows = [
        {"function": n.function, "file": n.workflow.file, "stamp": n.workflow.stamp} for n in named
    ]
    return header_lines(package, rows)


def _with_names(workflows: Sequence[StubFunction]) -> list[_Named]:
    """Names that are no builtin's, and none twice."""
    used: set[str] = set(_RESERVED)
    named = []
    for workflow in workflows:
        function = unused(_cut(workflow.shape.name, _NAME), used)
        used.add(function)
        parts = [part[:1].upper() + part[1:] for part in function.split("_")]
        class_name = unused(_cut("".join(parts), _CLASS), used)
        while {f"{class_name}{suffix}" for suffix in ("Results", "Sync")} & used:
            class_name = unused(f"{class_name}_", {*used, f"{class_name}_"})
        used |= {class_name, f"{class_name}Results", f"{class_name}Sync"}
        named.append(_Named(workflow, function, class_name))
    return named


def _cut(name: str, most: int) -> str:
    return name[:most].rstrip("_") or "workflow"


class _Classes:
    """The classes of one workflow: its results, and itself with and without `await`."""

    def __init__(self, named: _Named, references: Collection[str]):
        self._named, self._shape = named, named.workflow.shape
        self._references = references

    def lines(self) -> Iterator[str]:
        aliases, parameters = self._parameters()
        for alias in aliases:
            yield from [*alias, ""]
        yield from self._results()
        base = f"WorkflowFunction[{self._named.results}]"
        for name, module, kind in (("", "_f", "async def"), ("Sync", "_sync", "def")):
            yield ""
            yield from _class(f"{self._named.class_name}{name}", f"{module}.{base}")
            with_or_without = "without `await`" if name else "to be awaited"
            what = f"The workflow {self._shape.title} as a function, {with_or_without}."
            yield from docstring(4, what)
            yield ""
            yield from _definition(f"{kind} __call__", parameters, self._named.results)
            yield from self._call_docstring()

    def _parameters(self) -> tuple[list[list[str]], list[str]]:
        """The types of choices, and the parameters of the call."""
        names = {p.identifier for p in self._shape.parameters}
        own = next(name for name in ("self", "_self", "_self_", "__self") if name not in names)
        aliases: list[list[str]] = []
        lines = []
        used: set[str] = set()
        for parameter in self._shape.parameters:
            choices = literal_choices(parameter)
            kind, allowed = input_type(parameter, self._references)
            annotation = f"_f.{kind}" if kind else "_t.Any"
            if choices:
                annotation = unused(self._alias_name(parameter), used)
                used.add(annotation)
                aliases.append(_alias(annotation, [literal(choice) for choice in choices]))
            default = default_of(parameter.default, () if choices else allowed, choices)
            shown = f" = {default}" if parameter.has_default else ""
            lines.append(f"{parameter.identifier}: {annotation}{shown}")
        return aliases, [own, "/", "*", *lines] if lines else [own]

    def _alias_name(self, parameter: Parameter) -> str:
        return f"_{self._named.class_name[:20]}_{to_identifier(parameter.identifier)[:20]}"

    def _results(self) -> Iterator[str]:
        yield from _class(self._named.results, "_f.Results")
        yield from docstring(4, f"What {self._shape.title} gives.")
        for result in self._shape.results:
            kind = result_type(result, self._references)
            annotation = f"_f.{kind}" if kind else "_t.Any"
            yield ""
            yield "    @property"
            yield from _definition(f"def {result.identifier}", ["self"], annotation)
            yield from docstring(8, f"{describe_result(result)}.")

    def _call_docstring(self) -> list[str]:
        described = [
            f"{p.identifier}: {describe_parameter(p, with_files=False)}"
            for p in self._shape.parameters
        ]
        return docstring(8, "Run it.", described)


def _class(name: str, base: str) -> list[str]:
    line = f"class {name}({base}):"
    return [line] if width(line) <= _LINE else [f"class {name}(", f"    {base},", "):"]


def _definition(head: str, parameters: Sequence[str], returns: str) -> list[str]:
    """A method's first lines; its docstring is its body."""
    line = f"    {head}({parameters[0]}) -> {returns}:"
    if len(parameters) == 1 and width(line) <= _LINE:
        return [line]
    return [
        f"    {head}(",
        *(f"        {parameter}," for parameter in parameters),
        f"    ) -> {returns}:",
    ]


def _alias(name: str, choices: Sequence[str]) -> list[str]:
    return [f"{name}: _t.TypeAlias = _t.Literal[", *(f"    {choice}," for choice in choices), "]"]


def _functions(named: _Named) -> Iterator[str]:
    """What makes the function, of either kind."""
    what = f"The workflow {named.workflow.shape.title} as a function."
    for module, suffix in (("_d", ""), ("_sync", "Sync")):
        if suffix:
            yield ""
        yield "@_t.overload"
        returns = f"{named.class_name}{suffix}"
        line = f"def {named.function}(discomfort: {module}.Discomfort, /) -> {returns}:"
        if width(line) <= _LINE:
            yield line
        else:
            yield f"def {named.function}("
            yield f"    discomfort: {module}.Discomfort,"
            yield "    /,"
            yield f") -> {returns}:"
        yield from docstring(4, what)
