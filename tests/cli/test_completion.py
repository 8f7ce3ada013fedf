"""What a shell completes may be a stranger's: names of files, and of ports in a workflow."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.cli.complete import complete_workflow
from support.command_line import CommandLine
from support.flow import PORT

PLAIN = ["my port", "größe", "e\u0301", "a-b.c", "x:1"]
HOSTILE = [
    *(f"q{c}x" for c in "\\\"'$`;&|<>(){}[]*?!~#^\x00\x1b\x7f\n\r\t\u2028\u00a0\u202e\u201c\u2013"),
    "q\\$(touch PWN)",
    "q\\`touch PWN`",
    '"; touch PWN; "',
    "'; touch PWN; '",
    "q$(touch PWN)",
    "plain\ntouch PWN",
    "--config",
    "~",
]
# What zsh's _arguments does with "((...))": the list is evaluated.
ZSH = """
_arguments() { local list="${1#*((}"; list="${list%))}"; eval "found=( $list )"; }
eval "$OFFERED"
printf '%s\\n' "${found[@]}"
"""
AS_ASKED = {
    "bash": {"COMP_WORDS": "discomfort\nrun\nports.json\n", "COMP_CWORD": "3"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "discomfort run ports.json "},
    "fish": {
        "_TYPER_COMPLETE_ARGS": "discomfort run ports.json ",
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    },
}


def workflow(names: list[str]) -> dict[str, Any]:
    """One with INPUT ports of these names."""
    nodes = [
        {"id": number, "type": PORT, "widgets_values": [name, ""]}
        for number, name in enumerate(names, start=1)
    ]
    return {"nodes": nodes, "links": []}


def offered(bare: CommandLine, shell: str) -> str:
    """What the program answers a shell that completes behind `discomfort run ports.json`."""
    variables = {"_DISCOMFORT_COMPLETE": f"complete_{shell}", **AS_ASKED[shell]}
    done = subprocess.run(
        bare.command(), cwd=bare.here, env=bare.variables(**variables), capture_output=True
    )
    assert done.stderr == b""
    return done.stdout.decode()


@pytest.mark.skipif(os.name == "nt", reason="such names there are none")
@pytest.mark.parametrize("shell", list(AS_ASKED))
def test_a_strangers_name_is_offered_to_no_shell_that_would_obey_it(bare, shell):
    bare.write("ports.json", workflow([*HOSTILE, *PLAIN]))
    for name in HOSTILE:
        if "\0" not in name:
            (bare.here / f"{name}.json").write_text("{}")
    text = offered(bare, shell)
    if shell == "zsh":
        bash = shutil.which("bash")
        assert bash
        variables = bare.variables(OFFERED=text)
        done = subprocess.run(
            [bash, "-c", ZSH], cwd=bare.here, env=variables, capture_output=True, check=True
        )
        text = done.stdout.decode().replace("\\:", ":")
    assert text.splitlines() == [*(f"{name}=" for name in PLAIN), "ports.json"]
    assert not (bare.here / "PWN").exists()


def test_a_users_own_home_and_files_behind_it_are_offered(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "my flow.json").write_text("{}")
    (tmp_path / "a~b.json").write_text("{}")
    assert complete_workflow(f"~{os.sep}") == [f"~{os.sep}my flow.json"]
