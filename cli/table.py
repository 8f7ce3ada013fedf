"""The commands that there are, in the order in which --help lists them.

The line of each is the first sentence of its own help; a test compares them. Nothing is imported
here, so that a list of commands costs nothing.
"""

from __future__ import annotations

# Name -> what it does. `stubs` is the function `stubs` in commands/stubs.py.
COMMANDS = {
    "run": "Run workflows with the values that are typed, and write what they give.",
    "inspect": "Show what a workflow is made of: ports, markers, and all that can be addressed.",
    "ports": "List the ports of a workflow: what goes in and comes out, with types and defaults.",
    "check": "Tell what workflows need and your ComfyUI lacks: node packs, models, files, keys.",
}
