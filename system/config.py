"""Configuration: JSON files (with `//` comments) read once into frozen dataclasses.

The order is: an argument of the call, the file that was given, the file packaged beside this
module. Unknown keys are warned of, wrong types raise `ConfigError` with file, key and value. A
relative path is relative to the file that names it.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
import re
import types
import typing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ..errors import ConfigError
from .pipes import read_file

log = logging.getLogger("discomfort.config")

PACKAGE_DIR = Path(__file__).resolve().parents[1]

T = TypeVar("T")

# A string is skipped whole, so that "http://host" keeps its slashes.
# Whole runs of characters at a time: a string may be megabytes long. One that does not end is
# taken, too: else all that follows would be searched anew from each of its quotes.
_STRING_OR_COMMENT = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*"?)|//[^\n]*')


@dataclass(frozen=True, slots=True)
class ContextConfig:
    """workflow_context.json: how much memory the data store may take, and what is kept of runs."""

    MAX_RAM_PERCENT: float | None = None
    MAX_RAM_GB: float | None = None
    CONTEXTS_DIR_NAME: str = "contexts"
    RECORD_RUNS: bool = False


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """comfy_serverless.json: how to launch, or to reach, a ComfyUI."""

    API_COMMAND_LINE: str = "python main.py"
    API_WORKING_DIRECTORY: str | None = None
    API_URL: str = "http://127.0.0.1"
    INITIAL_PORT: int | None = None
    TEST_PAYLOAD_FILE: str | None = None
    START_TIMEOUT_SECONDS: float | None = None
    MAX_COMFY_START_ATTEMPTS: int | None = None
    COMFY_START_ATTEMPTS_SLEEP: float | None = None
    COMFYUI_PATH: str | None = None
    EXTRA_ARGS: list = field(default_factory=list)
    OUTPUT_DIRECTORY: str | None = None
    ATTACH_URL: str | None = None
    KEEP_WARM_S: float | None = None
    COMFY_ORG_API_KEY: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class EditorConfig:
    """editor.json: what the nodes may read and reach inside the user's ComfyUI."""

    WORKER_IDLE_MINUTES: float = 10.0
    RECORD_RUNS: bool = True
    WORKFLOW_FOLDERS: list = field(default_factory=list)
    IMAGE_FOLDERS: list = field(default_factory=list)
    VISION_KEYS: dict = field(default_factory=dict)
    VISION_SERVERS: list = field(default_factory=list)


def read_json(path: str | Path) -> Any:
    """Read a JSON file that may have `//` comments.

    Raises:
        ConfigError: not there, or not JSON; names the file, line and column.
    """
    return parse_json(read_text(path), path)


def read_text(path: str | Path) -> str:
    """Read a text file: UTF-8, or what a byte order mark says, or how its first bytes look (JSON
    begins with an ASCII character).

    Raises:
        ConfigError: not there, or no text.
    """
    try:
        data = read_file(path)
    except OSError as e:
        raise ConfigError(f"{path} can't be read ({e.strerror or e}). Check the path.") from e
    return decode(data, path)


def decode(data: bytes, path: str | Path) -> str:
    """The text in a file, as `read_text` reads it. Raises ConfigError: it is none."""
    try:
        return data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as e:
        raise ConfigError(
            f"{path} can't be read: it is no text in UTF-8 or UTF-16 ({e.reason})."
        ) from e


def parse_json(text: str, path: str | Path) -> Any:
    """The JSON, which may have `//` comments, of that file.

    Raises:
        ConfigError: it is none; names the file, line and column.
    """
    try:
        with contextlib.suppress(json.JSONDecodeError):  # it may have comments
            return json.loads(text, object_hook=_as_it_is)
        return json.loads(_STRING_OR_COMMENT.sub(lambda m: m.group(1) or "", text))
    except json.JSONDecodeError as e:
        raise ConfigError(
            f"{path} is not valid JSON: {e.msg} at line {e.lineno}, column {e.colno}."
        ) from e
    except RecursionError as e:
        raise ConfigError(f"{path} can't be read: it is nested too deeply.") from e
    except ValueError as e:  # a number of more digits than Python reads
        raise ConfigError(f"{path} can't be read: {e}.") from e


def _as_it_is(found: dict[str, Any]) -> dict[str, Any]:
    """To be called for each object lets other threads run meanwhile; json's C code alone does not,
    and a large workflow is read in a thread."""
    return found


def load_config(kind: type[T], name: str, path: str | Path | None = None, **arguments: Any) -> T:
    """Build the config `kind` from the file `path`, else from the packaged file `name`.

    Args:
        kind: ContextConfig, WorkerConfig or EditorConfig.
        name: the file's name in this package, for instance "workflow_context.json".
        path: the user's own file. None: the packaged one.
        arguments: win over the file, where they are not None.
    """
    source = Path(path) if path is not None else PACKAGE_DIR / name
    data = read_json(source)
    if not isinstance(data, dict):
        raise ConfigError(f"{source}: expected an object, found {type(data).__name__}.")
    known = typing.get_type_hints(kind)
    values: dict[str, Any] = {}
    for key, value in data.items():
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" Known: {', '.join(known)}."
            log.warning("%s: unknown key %r is ignored.%s", source, key, hint)
            continue
        values[key] = _checked(source, key, value, known[key])
    for key, value in arguments.items():
        if value is not None:
            values[key] = _checked("argument", key, value, known[key])
    for f in fields(kind):  # type: ignore[arg-type]
        value = values.get(f.name)
        if f.name.endswith(("_PATH", "_DIRECTORY", "_FILE")) and isinstance(value, str) and value:
            values[f.name] = _beside(source, value)
        elif f.name.endswith("_FOLDERS") and isinstance(value, list):
            values[f.name] = [
                _beside(source, _checked(source, f.name, item, str)) for item in value
            ]
    return kind(**values)


def _beside(source: Path, path: str) -> str:
    """A path that a configuration file names, as an absolute one."""
    return str((source.resolve().parent / Path(path).expanduser()).resolve())


def _checked(source: Any, key: str, value: Any, hint: Any) -> Any:
    """The value, if it fits the type hint. An int is good for a float; a bool is no number."""
    allowed = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    for kind in allowed:
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool):
            return value
    names = " or ".join("null" if k is type(None) else k.__name__ for k in allowed)
    shown = type(value).__name__ if key.endswith("_KEY") else repr(value)
    raise ConfigError(f"{source}: {key} must be {names}, not {shown}.")


def load_pass_by_rules(path: str | Path | None = None) -> dict[str, str]:
    """Read pass_by_rules.json: ComfyUI type -> "val" or "ref". Types not listed are "val"."""
    source = Path(path) if path is not None else PACKAGE_DIR / "pass_by_rules.json"
    rules = read_json(source)
    if not isinstance(rules, dict):
        raise ConfigError(f"{source}: expected an object, found {type(rules).__name__}.")
    for kind, rule in rules.items():
        if rule not in ("val", "ref"):
            raise ConfigError(
                f'{source}: the rule of {kind!r} is {rule!r}; it must be "val" (the value is '
                'stored) or "ref" (the workflow that makes it is stored).'
            )
    return rules
