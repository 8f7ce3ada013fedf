"""Values as JSON and back: the `{"type", "content"}` form, for consumers that know nothing but
JSON.

Nothing on the way of a run uses it: values travel through shared memory there.
"""

from __future__ import annotations

import base64
from typing import Any

from .what_it_is import check_opened


def serialize(value: Any) -> dict[str, Any]:
    """A value as `{"type": ..., "content": ...}` that json.dumps takes.

    Text, numbers, booleans and null are their own content; LIST, TUPLE and DICT hold serialized
    values; TENSOR (torch) and ARRAY (numpy) hold dtype, shape and base64 of the raw bytes; BYTES
    is base64.

    Raises:
        TypeError: any other type, named.
        UnopenedValueError: a value that this process can't open; says why.
    """
    if value is None:
        return {"type": "NULL", "content": None}
    if isinstance(value, bool):
        return {"type": "BOOLEAN", "content": value}
    for kind, name in ((int, "INT"), (float, "FLOAT"), (str, "STRING")):
        if isinstance(value, kind):
            return {"type": name, "content": kind(value)}
    if isinstance(value, bytes):
        return {"type": "BYTES", "content": base64.b64encode(value).decode("ascii")}
    if isinstance(value, (list, tuple)):
        name = "LIST" if isinstance(value, list) else "TUPLE"
        return {"type": name, "content": [serialize(item) for item in value]}
    if isinstance(value, dict):
        pairs = [[serialize(k), serialize(v)] for k, v in value.items()]
        return {"type": "DICT", "content": pairs}
    check_opened(value)
    if hasattr(value, "untyped_storage"):
        return {"type": "TENSOR", "content": _tensor_content(value)}
    if hasattr(value, "__array_interface__"):
        return {"type": "ARRAY", "content": _array_content(value)}
    raise TypeError(
        f"A {type(value).__name__} has no JSON form. Convert it to text, numbers, lists, dicts, "
        "numpy arrays or torch tensors first."
    )


def deserialize(obj: Any) -> Any:
    """The value of a `{"type", "content"}` form.

    Raises:
        ValueError: not such a form, or an unknown type.
    """
    if not isinstance(obj, dict) or "type" not in obj or "content" not in obj:
        raise ValueError(f'Expected {{"type": ..., "content": ...}}, not {str(obj)[:80]!r}.')
    kind, content = obj["type"], obj["content"]
    if kind in ("NULL", "BOOLEAN", "INT", "FLOAT", "STRING"):
        return content
    if kind == "BYTES":
        return base64.b64decode(content)
    if kind in ("LIST", "TUPLE"):
        items = [deserialize(item) for item in content]
        return items if kind == "LIST" else tuple(items)
    if kind == "DICT":
        return {deserialize(k): deserialize(v) for k, v in content}
    if kind == "TENSOR":
        return _tensor_from(content)
    if kind == "ARRAY":
        import numpy

        raw = numpy.frombuffer(bytearray(base64.b64decode(content["data"])), content["dtype"])
        return raw.reshape(content["shape"])
    raise ValueError(f"{kind!r} is no type of the JSON form.")


def _tensor_content(tensor: Any) -> dict[str, Any]:
    import torch

    plain = tensor.detach().cpu().contiguous()
    data = plain.reshape(-1).view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return {
        "dtype": str(plain.dtype).removeprefix("torch."),
        "shape": list(plain.shape),
        "data": base64.b64encode(data).decode("ascii"),
    }


def _tensor_from(content: dict[str, Any]) -> Any:
    import torch

    dtype = getattr(torch, str(content["dtype"]), None)
    if not isinstance(dtype, torch.dtype):
        raise ValueError(f"{content['dtype']!r} is no dtype of torch.")
    data = bytearray(base64.b64decode(content["data"]))
    flat = torch.frombuffer(data, dtype=dtype) if data else torch.empty(0, dtype=dtype)
    return flat.reshape(content["shape"])


def _array_content(value: Any) -> dict[str, Any]:
    import numpy

    array = numpy.ascontiguousarray(value)
    if array.dtype.hasobject:
        raise TypeError("A numpy array of Python objects has no JSON form. Make it a list first.")
    data = base64.b64encode(array.tobytes()).decode("ascii")
    return {"dtype": array.dtype.str, "shape": list(value.shape), "data": data}
