"""What ports take and give, as types for editors and type checkers: the one place that names them.

The stubs of workflows are made of these (`workflow_functions/`); docs/values.md has it in words.
Each alias is a text, so that neither torch nor numpy nor PIL is imported at run time; a checker
that has none of them takes what it does not know for anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy
    import torch
    from PIL.Image import Image as Picture


class ArrayLike(Protocol):
    """A tensor or an array: of torch, numpy, or another that is like them."""

    @property
    def shape(self) -> Any: ...

    @property
    def dtype(self) -> Any: ...


IntInput: TypeAlias = "int | numpy.integer[Any]"
FloatInput: TypeAlias = "float | numpy.floating[Any] | numpy.integer[Any] | Decimal | Fraction"
NumberInput: TypeAlias = "IntInput | FloatInput"
TextInput: TypeAlias = "str | PathLike[str]"
BoolInput: TypeAlias = "bool | numpy.bool_"

# A path is a `Path`: text is never taken for one.
PictureInput: TypeAlias = "ArrayLike | Picture | PathLike[str]"
ImageInput: TypeAlias = "PictureInput | Sequence[PictureInput]"
MaskInput: TypeAlias = "PictureInput | Sequence[PictureInput]"
LatentInput: TypeAlias = "Mapping[str, Any] | ArrayLike | Sequence[Mapping[str, Any] | ArrayLike]"
# A sound with its rate, pictures with theirs.
AudioInput: TypeAlias = "Mapping[str, Any] | tuple[ArrayLike, IntInput] | PathLike[str]"
VideoInput: TypeAlias = "Mapping[str, Any] | tuple[ImageInput, FloatInput] | PathLike[str]"
SigmasInput: TypeAlias = "ArrayLike | Sequence[float]"
# A model and the like: the workflow that makes it, as results have it.
ReferenceInput: TypeAlias = "Mapping[str, Any]"

# What results are; of their own names, since a port may be called `int`.
Int: TypeAlias = int
Float: TypeAlias = float
Text: TypeAlias = str
Bool: TypeAlias = bool
Tensor: TypeAlias = "torch.Tensor"
ValueDict: TypeAlias = "dict[str, Any]"
Tensors: TypeAlias = "list[torch.Tensor]"
ValueDicts: TypeAlias = "list[dict[str, Any]]"
ValueList: TypeAlias = "list[Any]"
