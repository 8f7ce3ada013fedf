"""Workflows as functions, and the stubs that tell their types to editors and type checkers.

Stubs import what they name from here.
"""

from __future__ import annotations

from ..run.results import Results
from ..values.input_types import (
    ArrayLike,
    AudioInput,
    Bool,
    BoolInput,
    Float,
    FloatInput,
    ImageInput,
    Int,
    IntInput,
    LatentInput,
    MaskInput,
    NumberInput,
    ReferenceInput,
    SigmasInput,
    Tensor,
    Tensors,
    Text,
    TextInput,
    ValueDict,
    ValueDicts,
    ValueList,
    VideoInput,
)
from .function import WorkflowFunction
from .function_results import FunctionResults

__all__ = [
    "ArrayLike",
    "AudioInput",
    "Bool",
    "BoolInput",
    "Float",
    "FloatInput",
    "FunctionResults",
    "ImageInput",
    "Int",
    "IntInput",
    "LatentInput",
    "MaskInput",
    "NumberInput",
    "ReferenceInput",
    "Results",
    "SigmasInput",
    "Tensor",
    "Tensors",
    "Text",
    "TextInput",
    "ValueDict",
    "ValueDicts",
    "ValueList",
    "VideoInput",
    "WorkflowFunction",
]
