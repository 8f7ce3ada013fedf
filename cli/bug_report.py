"""What `discomfort report` writes: versions, findings, settings and logs, without secrets."""

from __future__ import annotations

import contextlib
import getpass
import json
import os
import platform
import time
from collections import deque
from pathlib import Path

from ..errors import ConfigError
from ..system.config import PACKAGE_DIR, WorkerConfig, load_config, read_json
from ..worker.launch.worker_folder import base_dir
from .findings.finding import describe
from .findings.look import look_at_everything
from .findings.versions import PACKAGES, version_of
from .redact import Known, redact, redact_json, secrets_in, secrets_in_json

_LOGS, _LINES, _LONGEST, _LOOKED_AT = 3, 150, 400, 5_000
_SETTINGS = ("comfy_serverless.json", "workflow_context.json", "editor.json")


def make_report(config_path: str | None = None) -> str:
    """The whole report."""
    known = known_of_user(config_path)
    parts = [
        f"Discomfort report, {time.strftime('%Y-%m-%d %H:%M')}",
        _section("What the doctor found", describe(look_at_everything(config_path))),
        _section("Packages", "\n".join(f"{name} {version_of(name)}" for name in PACKAGES)),
        *(_section(name, _settings(name, config_path, known)) for name in _SETTINGS),
        *(_section(f"The end of {path.name}", _end_of(path, known)) for path in _newest_logs()),
    ]
    return redact("\n\n".join(parts) + "\n", known)


def known_of_user(config_path: str | None = None) -> Known:
    """What must not be in it."""
    home = Path.home()
    secrets = list(secrets_in(os.environ))
    with contextlib.suppress(ConfigError):  # the findings say what is wrong with it
        key = load_config(WorkerConfig, "comfy_serverless.json", config_path).COMFY_ORG_API_KEY
        secrets += [key] if key else []
    for name in _SETTINGS:
        with contextlib.suppress(ConfigError):
            secrets += secrets_in_json(read_json(_settings_file(name, config_path)))
    names = [platform.node(), os.environ.get("USER", ""), os.environ.get("USERNAME", "")]
    with contextlib.suppress(OSError, KeyError, ImportError):  # no name, as in containers
        names.append(getpass.getuser())
    return Known((str(home), str(home.resolve())), tuple(names), tuple(secrets))


def _section(title: str, text: str) -> str:
    return f"== {title} ==\n{text}"


def _settings_file(name: str, config_path: str | None) -> Path:
    if config_path is not None and name == "comfy_serverless.json":
        return Path(config_path)
    return PACKAGE_DIR / name


def _settings(name: str, config_path: str | None, known: Known) -> str:
    try:
        data = read_json(_settings_file(name, config_path))
    except ConfigError as e:
        return str(e)
    return json.dumps(redact_json(data, known), indent=1, ensure_ascii=False)


def _newest_logs() -> list[Path]:
    """Logs stay of workers that crashed, and are there of those that live."""
    found = list((base_dir() / "logs").glob("*.log"))
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:_LOGS]


def _end_of(path: Path, known: Known) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = deque(file, maxlen=_LINES)
    except OSError as e:
        return str(e)
    return "\n".join(line_of_log(line.rstrip("\n"), known) for line in lines)


def line_of_log(line: str, known: Known) -> str:
    """A line without what must not be told, as long as it may be; half a secret is one, too."""
    if len(line) > _LOOKED_AT:
        line = line[:_LOOKED_AT].rpartition(" ")[0]
    return redact(line, known)[:_LONGEST]
