"""The command `discomfort` itself: finds a command in `table.py`, and imports it then only."""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import CompletionItem, TyperGroup  # pyright: ignore[reportPrivateImportUsage]
from typer.main import get_command

from .expand import expanded
from .table import COMMANDS

NAME = "discomfort"
_EPILOG = "One command's options, and an example: discomfort COMMAND --help"


class LazyGroup(TyperGroup):
    """A group whose commands are imported when they are asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        # Names are enough for "Did you mean ...?".
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        found = super(TyperGroup, self).shell_complete(ctx, incomplete)
        names = [name for name in COMMANDS if name.startswith(incomplete)]
        return [*(CompletionItem(name) for name in names), *found]


def load_command(name: str) -> Any:
    """The command of that name, as typer makes it of its function."""
    module = import_module(f"..commands.{name.replace('-', '_')}", __name__)
    app = _new_app(add_completion=False)
    function = getattr(module, name.replace("-", "_"))
    text, _, example = (inspect.getdoc(function) or "").rpartition("\n\nExample: ")
    # \b: not to be laid out anew, so that it can be copied.
    app.command(name, help=text, epilog=f"\b\nExample:\n  {example}")(expanded(function))
    command = get_command(app)
    for parameter in command.params:
        if parameter.param_type_name == "argument":  # typer 0.29 adds "<list[str]>" to its name
            parameter.display_type_rich = lambda ctx: None  # pyright: ignore[reportAttributeAccessIssue]
    return command


def make_group() -> Any:
    """The whole command line."""
    _mend_bash_script()
    app = _new_app(add_completion=True, cls=LazyGroup)
    app.callback(help=_HELP, epilog=_EPILOG, no_args_is_help=True)(_discomfort)
    return get_command(app)


_HELP = """Run ComfyUI workflows from the shell: give values to their ports, get values back.

    discomfort run flux.json text="a cat" -o out

Results go to standard output, progress and messages to standard error. Exit codes: 0 done, 1 the
run failed, 2 wrong usage, 3 no ComfyUI, 4 the workflow, a name or a value was refused, 130
interrupted."""


def _show_version(is_asked: bool) -> None:
    if is_asked:
        from .. import __version__

        sys.stdout.write(f"{NAME} {__version__}\n")
        raise typer.Exit()


def _discomfort(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """What stands before the command."""


# What typer 0.29 leaves out. Behind "picture=" there must be no blank, a name may have some,
# and of "picture=@ph" bash says that the words are "=@" and "ph", and yet what is found takes the
# place of "@ph". It is filled in with "%", which is doubled therefore.
_BASH_END = "    return 0\n}"
_BASH_MENDED = """    if [[ $3 == "=@" && ${#COMPREPLY[@]} != 0 ]]; then
        COMPREPLY=( $( printf '@%%q\\n' "${COMPREPLY[@]}" ) )
    elif [[ "${COMPREPLY[*]}" != *=* ]]; then
        compopt -o filenames
    elif [[ "${COMPREPLY[*]}" != *~* ]]; then
        COMPREPLY=( $( printf '%%q\\n' "${COMPREPLY[@]}" ) )
    fi
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]]; then compopt -o nospace; fi
    return 0
}"""


def _mend_bash_script() -> None:
    """Complete typer's script for bash, where this typer still has it in that form."""
    scripts = getattr(sys.modules.get("typer._completion_shared"), "_completion_scripts", {})
    if "compopt" not in scripts.get("bash", "compopt"):
        scripts["bash"] = scripts["bash"].replace(_BASH_END, _BASH_MENDED)


def _new_app(**options: Any) -> typer.Typer:
    # No rich: help is plain text in any terminal, and starts in half the time.
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **options)
