"""Whether the fake server accepts a prompt: ComfyUI's own error types and words for what it
refuses.
"""

from __future__ import annotations

import inspect
from typing import Any

import nodes

Error = dict[str, Any]


def error(kind: str, message: str, details: str = "", **extra: Any) -> Error:
    return {"type": kind, "message": message, "details": details, "extra_info": extra}


def is_link(value: Any) -> bool:
    """`[node id, slot]`."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], (int, float))
    )


def inputs_of(kind: Any) -> dict[str, tuple[Any, ...]]:
    """Required and optional inputs, in their order."""
    types = kind.INPUT_TYPES()
    return {**types.get("required", {}), **types.get("optional", {})}


def class_of(prompt: dict[str, Any], node_id: str) -> Any:
    return nodes.NODE_CLASS_MAPPINGS[prompt[node_id]["class_type"]]


def validate(prompt: dict[str, Any]) -> tuple[Error | None, list[str], dict[str, Any]]:
    """`(error, good outputs, node_errors)`; without an error the good outputs run, in any case."""
    outputs = []
    for node_id, node in prompt.items():
        class_type = node.get("class_type") if isinstance(node, dict) else None
        if class_type not in nodes.NODE_CLASS_MAPPINGS:
            title = (node.get("_meta") or {}).get("title") if isinstance(node, dict) else None
            problem = error(
                "missing_node_type",
                f"Node '{title or class_type}' not found. The custom node may not be installed.",
                f"Node ID '#{node_id}'",
                node_id=node_id,
                class_type=class_type,
                node_title=title or class_type,
            )
            return problem, [], {}
        if getattr(nodes.NODE_CLASS_MAPPINGS[class_type], "OUTPUT_NODE", False):
            outputs.append(node_id)
    if not outputs:
        return error("prompt_no_outputs", "Prompt has no outputs"), [], {}
    return _validate_outputs(prompt, outputs)


def _validate_outputs(
    prompt: dict[str, Any], outputs: list[str]
) -> tuple[Error | None, list[str], dict[str, Any]]:
    checked: dict[str, list[Error]] = {}
    good, node_errors, first = [], {}, ""
    for output in outputs:
        reached = _check_upstream(prompt, output, checked)
        bad = [node_id for node_id in reached if checked[node_id]]
        if not bad:
            good.append(output)
        for node_id in bad:
            about = node_errors.setdefault(
                node_id,
                {
                    "errors": checked[node_id],
                    "dependent_outputs": [],
                    "class_type": prompt[node_id]["class_type"],
                },
            )
            about["dependent_outputs"].append(output)
            first = first or f"{checked[node_id][0]['message']}: {checked[node_id][0]['details']}"
    if good:
        return None, good, node_errors
    message = "Prompt outputs failed validation"
    return error("prompt_outputs_failed_validation", message, first), [], node_errors


def _check_upstream(
    prompt: dict[str, Any], output: str, checked: dict[str, list[Error]]
) -> list[str]:
    """The nodes that the output depends on, each checked once."""
    reached: dict[str, None] = {}
    stack: list[tuple[str, tuple[str, ...]]] = [(output, ())]
    while stack:
        node_id, path = stack.pop()
        if node_id in path:
            message = f"Dependency cycle: {' -> '.join((*path, node_id))}"
            checked.setdefault(node_id, []).append(
                error("dependency_cycle", "Dependency cycle", message)
            )
            continue
        if node_id in reached:
            continue
        reached[node_id] = None
        if node_id not in checked:
            checked[node_id] = _check_node(prompt, node_id)
        for value in (prompt[node_id].get("inputs") or {}).values():
            if is_link(value) and value[0] in prompt:
                stack.append((value[0], (*path, node_id)))
    return list(reached)


def _check_node(prompt: dict[str, Any], node_id: str) -> list[Error]:
    node = prompt[node_id]
    kind, given = class_of(prompt, node_id), node.get("inputs")
    if not isinstance(given, dict):
        return [error("exception_during_validation", "Exception when validating node", "'inputs'")]
    required = kind.INPUT_TYPES().get("required", {})
    check = getattr(kind, "VALIDATE_INPUTS", None)
    own = set(inspect.signature(check).parameters) if check else set()
    errors: list[Error] = []
    for name, spec in inputs_of(kind).items():
        if name not in given:
            if name in required:
                errors.append(
                    error(
                        "required_input_missing", "Required input is missing", name, input_name=name
                    )
                )
        elif isinstance(given[name], list) and not isinstance(given[name], dict):
            errors += _check_link(prompt, name, spec, given[name], "input_types" in own)
        else:
            errors += _check_constant(given, name, spec, name in own)
    if check and not errors:
        errors += _check_own(check, own, given)
    return errors


def _check_link(
    prompt: dict[str, Any], name: str, spec: tuple[Any, ...], link: list[Any], is_own: bool
) -> list[Error]:
    if not is_link(link):
        message = "Bad linked input, must be a length-2 list of [node_id, slot_index]"
        return [error("bad_linked_input", message, name, input_name=name, received_value=link)]
    try:
        received = class_of(prompt, link[0]).RETURN_TYPES[int(link[1])]
    except (KeyError, IndexError) as e:
        return [error("exception_during_validation", "Exception when validating node", str(e))]
    wanted = spec[0]
    # `not !=`, and "*" on either side, as comfy_execution/validation.py has it.
    if is_own or not received != wanted or "*" in (received, wanted):  # noqa: SIM202
        return []
    if isinstance(wanted, str) and set(received.split(",")) <= set(wanted.split(",")):
        return []
    details = f"{name}, received_type({received}) mismatch input_type({wanted})"
    message = "Return type mismatch between linked nodes"
    return [
        error("return_type_mismatch", message, details, input_name=name, received_type=received)
    ]


_CONVERSIONS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


def _check_constant(
    given: dict[str, Any], name: str, spec: tuple[Any, ...], is_own: bool
) -> list[Error]:
    wanted, options = spec[0], spec[1] if len(spec) > 1 else {}
    value = given[name]
    if isinstance(value, dict) and "__value__" in value:
        value = given[name] = value["__value__"]
    if isinstance(wanted, str) and wanted in _CONVERSIONS:
        try:
            value = given[name] = _CONVERSIONS[wanted](value)
        except (TypeError, ValueError) as e:
            message = f"Failed to convert an input value to a {wanted} value"
            return [error("invalid_input_type", message, f"{name}, {value}, {e}", input_name=name)]
    if is_own:
        return []
    if "min" in options and isinstance(value, (int, float)) and value < options["min"]:
        message = f"Value {value} smaller than min of {options['min']}"
        return [
            error("value_smaller_than_min", message, name, input_name=name, received_value=value)
        ]
    if "max" in options and isinstance(value, (int, float)) and value > options["max"]:
        message = f"Value {value} bigger than max of {options['max']}"
        return [
            error("value_bigger_than_max", message, name, input_name=name, received_value=value)
        ]
    choices = wanted if isinstance(wanted, list) else options.get("options")
    if (
        (isinstance(wanted, list) or wanted == "COMBO")
        and choices is not None
        and value not in choices
    ):
        details = f"{name}: '{value}' not in {choices}"
        about = {"input_name": name, "received_value": value}
        return [error("value_not_in_list", "Value not in list", details, **about)]
    return []


def _check_own(check: Any, own: set[str], given: dict[str, Any]) -> list[Error]:
    """The class's VALIDATE_INPUTS, with the constants that it names."""
    known = {n: v for n, v in given.items() if n in own and not is_link(v)}
    if "input_types" in own or len(known) < len(own - {"cls", "kwargs"}):
        return []
    try:
        verdict = check(**known)
    except Exception as e:
        return [
            error(
                "exception_during_inner_validation", "Exception when validating inner node", str(e)
            )
        ]
    if verdict is True:
        return []
    message = "Custom validation failed for node"
    return [error("custom_validation_failed", message, f"{', '.join(known)} - {verdict}")]
