"""The command line `discomfort`, also `python -m discomfort`: one module for each command.

`main.py` is its door, `table.py` the list of the commands. Nothing else of the package needs typer,
and nothing but this package prints. docs/command_line.md is the page about it.
"""
