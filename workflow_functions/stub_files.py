"""Stubs as files: made of workflow files, written, and looked at whether they are stale.

The command line calls it. A stub is `NAME.pyi`; the module that it is for, `NAME.py`, lies beside.
"""

from __future__ import annotations

import hashlib
import json
import keyword
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WorkflowError
from ..inspection.inspect import inspect_with
from ..inspection.known_classes import Known, known_classes
from ..system.config import load_pass_by_rules, read_text
from ..system.files import write_file
from ..workflows.files import read_workflow
from .read_shape import read_shape
from .stub_header import read_header, without_stamps
from .stub_text import StubFunction, module_text, stub_text
from .words import plain

_NO_MEANING = frozenset(
    {"pos", "size", "flags", "order", "color", "bgcolor", "boxcolor"}
)  # of nodes
_NONE_OF_A_GRAPH = frozenset({"groups", "config", "state", "inputNode", "outputNode"})


@dataclass(frozen=True, slots=True)
class Stubs:
    """What a stub and its module should say.

    Attributes:
        paths: where they are: of the stub, and of the module.
        notes: what is to be known about the node classes that they go by, and problems of the
            workflows.
    """

    stub: str
    module: str
    paths: tuple[Path, Path]
    notes: tuple[str, ...] = ()


def write_stubs(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    object_info: Mapping[str, Any] | None = None,
    config_path: str | Path | None = None,
) -> Stubs:
    """Write the stub of some workflows, and its module.

    Args:
        files: workflow files, as `run` takes them. None: those that the stub there is made of.
        output: "workflows.pyi"; "workflows.py" is written beside it. They name the workflows by
            their place from there.
        object_info, config_path: as of `discomfort.inspect`.

    Raises:
        FileNotFoundError, WorkflowError: a file is no workflow; no node classes are known.
        ValueError: the name is none of a module.
        FileExistsError: what is there was not made by this.
    """
    stub, module = _paths_of(output)
    for path in (stub, module):
        if path.exists() and read_header(_text_of(path)) is None:
            raise FileExistsError(
                f"{path} was not made by `discomfort stubs`, and is not replaced. Choose another "
                "name, or move it away."
            )
    known = known_classes(object_info, config_path)
    made = _make(_files_of(files, stub), stub, _package(), known)
    stub.parent.mkdir(parents=True, exist_ok=True)
    for path, text in ((stub, made.stub), (module, made.module)):
        data = text.encode()
        write_file(path, lambda file, data=data: file.write(data))
    return made


def find_stale(
    files: Sequence[str | Path],
    output: str | Path,
    *,
    object_info: Mapping[str, Any] | None = None,
    config_path: str | Path | None = None,
) -> list[str]:
    """Why a stub is not what `write_stubs` would write now; nothing: it is.

    Where no node classes are known, it is looked at whether the workflows have changed since.
    Args and Raises: as of `write_stubs`, but that node classes need not be known.
    """
    stub, module = _paths_of(output)
    absent = [f"{path} is not there." for path in (stub, module) if not path.exists()]
    if absent:
        return absent
    text, header = _text_of(stub), read_header(_text_of(stub))
    if header is None:
        return [f"{stub} was not made by `discomfort stubs`."]
    gone = [place for place in header.stamps if not (stub.parent / place).exists()]
    if gone and not files:
        left = [place for place in header.stamps if place not in gone]
        names = ", ".join(map(plain, gone))
        return [f"{names} is not there any more. {_how_to_drop(left)}"]
    wanted = [_place(file, stub.parent) for file in _files_of(files, stub)]
    if wanted != list(header.stamps):
        return [f"{stub} is of other workflows: {', '.join(map(plain, header.stamps)) or 'none'}."]
    changed = [
        f"{plain(place)} has changed since."
        for place, stamp in header.stamps.items()
        if _stamp_of(read_workflow(stub.parent / place)) != stamp
    ]
    try:
        known = known_classes(object_info, config_path)
    except WorkflowError:
        return changed
    made = _make([stub.parent / place for place in wanted], stub, header.package, known)
    if without_stamps(text) != without_stamps(made.stub):
        return changed or [f"{stub} is not what is made of the same workflows now."]
    if without_stamps(_text_of(module)) != without_stamps(made.module):
        return [f"{module} is not what belongs to the stub."]
    return []


def _how_to_drop(left: Sequence[str]) -> str:
    if not left:
        return "The stub is of nothing else: remove it and its module."
    return f"To drop it, name the others: {' '.join(map(plain, left))}."


def _make(files: Sequence[Path], stub: Path, package: str, known: Known) -> Stubs:
    functions, notes = [], list(known.notes)
    for file in files:
        data = read_workflow(file)
        shape = read_shape([inspect_with(data, file.name, known)])
        notes += [f"{file.name}: {plain(problem, 500)}" for problem in shape.problems]
        functions.append(StubFunction(_place(file, stub.parent), _stamp_of(data), shape))
    references = {kind for kind, rule in load_pass_by_rules().items() if rule == "ref"}
    return Stubs(
        stub_text(functions, package, references),
        module_text(functions, package),
        _paths_of(stub),
        tuple(notes),
    )


def _paths_of(output: str | Path) -> tuple[Path, Path]:
    stub = Path(output).expanduser()
    name = stub.name.removesuffix(".pyi")
    if stub.suffix != ".pyi" or not name.isidentifier() or keyword.iskeyword(name):
        raise ValueError(
            f"A stub is called like a module, as workflows.pyi, and not {stub.name!r}."
        )
    stub = stub.parent.resolve() / stub.name
    return stub, stub.with_suffix(".py")


def _files_of(files: Sequence[str | Path], stub: Path) -> list[Path]:
    """The files that are named, each once; or those that the stub names."""
    if files:
        return list(dict.fromkeys(Path(file).expanduser() for file in files))
    header = read_header(_text_of(stub)) if stub.exists() else None
    if header is None:
        raise ValueError(f"Name the workflows: there is no {stub} that names some.")
    return [stub.parent / place for place in header.stamps]


def _place(file: Path, folder: Path) -> str:
    """Where a file is from the folder of the stub, with slashes."""
    here = file.parent.resolve() / file.name  # the system follows links before it goes up by ".."
    try:
        place = os.path.relpath(here, folder.resolve())
    except ValueError as e:  # on another drive of Windows
        raise ValueError(f"{file} and the stub must be on one drive: {e}.") from e
    return Path(place).as_posix()


def _text_of(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError):
        return ""


def _package() -> str:
    return (__package__ or "discomfort").rpartition(".")[0] or "discomfort"


def _stamp_of(data: Mapping[str, Any]) -> str:
    """Of what a workflow means: to move its nodes changes nothing."""
    text = json.dumps(_meaning(data), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _meaning(data: Mapping[str, Any]) -> Any:
    nodes = data.get("nodes")
    if not isinstance(nodes, list):
        return data  # a prompt
    found = {key: value for key, value in data.items() if key not in _NONE_OF_A_GRAPH}
    found["nodes"] = [
        {key: value for key, value in node.items() if key not in _NO_MEANING}
        if isinstance(node, Mapping)
        else node
        for node in nodes
    ]
    extra, definitions = data.get("extra"), data.get("definitions")
    if isinstance(extra, Mapping):
        found["extra"] = {key: value for key, value in extra.items() if key != "ds"}
        found = found if found["extra"] else {k: v for k, v in found.items() if k != "extra"}
    if isinstance(definitions, Mapping) and isinstance(definitions.get("subgraphs"), list):
        graphs = definitions["subgraphs"]
        found["definitions"] = [_meaning(g) if isinstance(g, Mapping) else g for g in graphs]
    return found
