"""Workflows as functions, for editors and type checkers."""

# Made by `discomfort stubs`, which makes it anew: what is changed here is lost.
# ruff: noqa
# {"discomfort stubs": 1, "package": "discomfort"}
# {"function": "enhance", "file": "workflows/enhance.json", "stamp": "f8a9f76fe9827db1ff5c78e3de8f7380"}
# {"function": "open_example", "file": "workflows/open_example.json", "stamp": "0f0a6bf56a4f8471762b035da0606951"}
# {"function": "soften", "file": "workflows/soften.json", "stamp": "d0aefadcc7cf20232fc91989d1160382"}

import typing as _t

import discomfort as _d
import discomfort.sync as _sync
import discomfort.workflow_functions as _f

_Enhance_tone: _t.TypeAlias = _t.Literal[
    "normal",
    "multiply",
    "screen",
    "overlay",
    "soft_light",
    "difference",
]

class EnhanceResults(_f.Results):
    """What enhance.json gives."""

    @property
    def picture(self) -> _f.Tensor:
        """IMAGE."""

class Enhance(_f.WorkflowFunction[EnhanceResults]):
    """The workflow enhance.json as a function, to be awaited."""

    async def __call__(
        self,
        /,
        *,
        picture: _f.ImageInput,
        detail: _f.FloatInput = 1.0,
        tone: _Enhance_tone = "normal",
        tone_amount: _f.FloatInput = 0.5,
    ) -> EnhanceResults:
        """Run it.

        picture: IMAGE, needs a value
        detail: FLOAT = 1.0, 0 to 5, in steps of 0.01
        tone: COMBO = 'normal', one of 'normal', 'multiply', 'screen',
            'overlay', 'soft_light', 'difference'
        tone_amount: FLOAT = 0.5, 0 to 1, in steps of 0.01
        """

class EnhanceSync(_sync.WorkflowFunction[EnhanceResults]):
    """The workflow enhance.json as a function, without `await`."""

    def __call__(
        self,
        /,
        *,
        picture: _f.ImageInput,
        detail: _f.FloatInput = 1.0,
        tone: _Enhance_tone = "normal",
        tone_amount: _f.FloatInput = 0.5,
    ) -> EnhanceResults:
        """Run it.

        picture: IMAGE, needs a value
        detail: FLOAT = 1.0, 0 to 5, in steps of 0.01
        tone: COMBO = 'normal', one of 'normal', 'multiply', 'screen',
            'overlay', 'soft_light', 'difference'
        tone_amount: FLOAT = 0.5, 0 to 1, in steps of 0.01
        """

@_t.overload
def enhance(discomfort: _d.Discomfort, /) -> Enhance:
    """The workflow enhance.json as a function."""

@_t.overload
def enhance(discomfort: _sync.Discomfort, /) -> EnhanceSync:
    """The workflow enhance.json as a function."""

class OpenExampleResults(_f.Results):
    """What open_example.json gives."""

    @property
    def picture(self) -> _f.Tensor:
        """IMAGE."""

class OpenExample(_f.WorkflowFunction[OpenExampleResults]):
    """The workflow open_example.json as a function, to be awaited."""

    async def __call__(self) -> OpenExampleResults:
        """Run it."""

class OpenExampleSync(_sync.WorkflowFunction[OpenExampleResults]):
    """The workflow open_example.json as a function, without `await`."""

    def __call__(self) -> OpenExampleResults:
        """Run it."""

@_t.overload
def open_example(discomfort: _d.Discomfort, /) -> OpenExample:
    """The workflow open_example.json as a function."""

@_t.overload
def open_example(discomfort: _sync.Discomfort, /) -> OpenExampleSync:
    """The workflow open_example.json as a function."""

class SoftenResults(_f.Results):
    """What soften.json gives."""

    @property
    def picture(self) -> _f.Tensor:
        """IMAGE."""

class Soften(_f.WorkflowFunction[SoftenResults]):
    """The workflow soften.json as a function, to be awaited."""

    async def __call__(
        self,
        /,
        *,
        picture: _f.ImageInput,
        radius: _f.IntInput = 1,
        amount: _f.FloatInput = 0.5,
    ) -> SoftenResults:
        """Run it.

        picture: IMAGE, needs a value
        radius: INT = 1, 1 to 31
        amount: FLOAT = 0.5, 0 to 1, in steps of 0.01
        """

class SoftenSync(_sync.WorkflowFunction[SoftenResults]):
    """The workflow soften.json as a function, without `await`."""

    def __call__(
        self,
        /,
        *,
        picture: _f.ImageInput,
        radius: _f.IntInput = 1,
        amount: _f.FloatInput = 0.5,
    ) -> SoftenResults:
        """Run it.

        picture: IMAGE, needs a value
        radius: INT = 1, 1 to 31
        amount: FLOAT = 0.5, 0 to 1, in steps of 0.01
        """

@_t.overload
def soften(discomfort: _d.Discomfort, /) -> Soften:
    """The workflow soften.json as a function."""

@_t.overload
def soften(discomfort: _sync.Discomfort, /) -> SoftenSync:
    """The workflow soften.json as a function."""
