"""Titles of ComfyKit: `$name`, `$name.field`, `$output.name`, several with a comma between.

`~` (a file to upload), `!` (required) and what stands behind a colon are no part of the name.
Source: ComfyKit's documentation of its titles, and its parser of late 2026.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..addresses.directory import Directory, NamedNode
from ..addresses.shown_values import shown_inputs
from ..ports.connections import Use
from .model import COMFYKIT, Details, Marker

_INPUT = re.compile(r"\$(~?)([^\W\d][\w-]*)(?:\.(~?)([^!:]+))?(!?)(?::.*)?")
_OUTPUT = "$output."


def title_markers(directory: Directory) -> Iterator[Marker]:
    """What the titles of nodes and subgraphs say."""
    for node in directory.nodes:
        if node.title.startswith(_OUTPUT) and len(node.title) > len(_OUTPUT):
            yield _output(node, node.title[len(_OUTPUT) :].strip(), directory)
        elif "$" in node.title:
            for part in node.title.split(",")[:50]:
                if part.strip().startswith("$"):
                    yield _input(node, part.strip(), directory)


def _input(node: NamedNode, text: str, directory: Directory) -> Marker:
    found = _INPUT.fullmatch(text)
    if found is None:
        return _odd(node, text, True, "this is no name that ComfyKit reads")
    name, field = found[2], (found[4] or found[2]).strip()
    if node.idle:
        return _odd(node, name, True, f"its node is {node.idle}")
    uses = directory.uses(node, field)
    if not uses:
        return _odd(node, name, True, f"the node has no input {field!r}")
    details = Details(is_required=bool(found[5]))
    return Marker(name, COMFYKIT, True, node.problem(""), uses, details=details)


def _output(node: NamedNode, name: str, directory: Directory) -> Marker:
    if node.idle:
        return _odd(node, name, False, f"its node is {node.idle}")
    if directory.is_output_node(node):
        shown = shown_inputs(directory.prompt, directory.info, node.id)
    else:
        shown = [("", source) for _, source in node.outputs][:1]
    if len(shown) != 1:
        count = "several values" if shown else "no value that is linked to it"
        return _odd(node, name, False, f"its node shows {count}")
    at = (Use(node.id, shown[0][0]),)
    return Marker(name, COMFYKIT, False, node.problem(""), at, shown[0][1])


def _odd(node: NamedNode, name: str, is_input: bool, reason: str) -> Marker:
    return Marker(name, COMFYKIT, is_input, node.problem(""), reason=reason)
