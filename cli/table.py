"""The commands that there are, in the order in which --help lists them.

The line of each is the first sentence of its own help; a test compares them. Nothing is imported
here, so that a list of commands costs nothing.
"""

from __future__ import annotations

# Name -> what it does. `stubs` is the function `stubs` in commands/stubs.py.
COMMANDS = {
    "run": "Run workflows with the values that are typed, and write what they give.",
    "plan": "Tell what a run would do, and run nothing: ports, values, nodes that run, what is "
    "cached.",
    "ports": "List the ports of a workflow: what goes in and comes out, with types and defaults.",
    "inspect": "Show what a workflow is made of: ports, markers, and all that can be addressed.",
    "check": "Tell what workflows need and your ComfyUI lacks: node packs, models, files, keys.",
    "fetch": "Download the models that workflows need and your ComfyUI lacks, after asking.",
    "convert": 'Convert a workflow to an API prompt, as the editor\'s "Export (API)" does.',
    "stitch": "Join workflows at their ports into one that opens in the editor, side by side.",
    "workers": "List the ComfyUIs that stay warm for the next script, or end them.",
    "stubs": "Write what editors and type checkers need to know of workflows: their ports, with "
    "types.",
    "doctor": "Look at this machine for what keeps workflows from running, and say what to do.",
    "report": "Write a file to attach to a bug report: versions, findings, logs, no secrets.",
    "clean": "Remove what killed processes left on this machine: values, folders, logs.",
}
