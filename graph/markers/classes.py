"""The table of node classes that are other tools' inputs and outputs. Facts only; `nodes.py` reads.

Source: definitions of comfy-pack 0.3, comfyui-deploy, SwarmUI's ExtraNodes, comfyui-tooling-nodes
and Comfyui-FlowChain, as of late 2026.
"""

from __future__ import annotations

from typing import NamedTuple

TITLE = ""  # in place of the input that has the name: the node's title is it
IDENTIFIER = "\0identifier"  # comfy-pack's rule: the title, if it is an identifier

COMFY_PACK, COMFY_DEPLOY, SWARM = "comfy-pack", "ComfyDeploy", "SwarmUI"
KRITA, FLOW_CHAIN = "krita", "FlowChain"


class InputClass(NamedTuple):
    """A class that stands for a value from outside.

    Attributes:
        name: the input that has the name; TITLE, IDENTIFIER.
        value: the input that a value is for. "": it takes the place of the node's output.
        slot: that output; what it feeds gets the value.
        shown: where the file has the value, if `value` is "".
        suffix: what is added to the name; where `name` is TITLE and it begins with "=", it is all.
        limits: the inputs that have minimum, maximum and step.
        choices: the input that has the choices, as text.
        needs: why a value can't be given; "" where it can.
        instead: the class of ComfyUI's own that gives the same value, for a server without the
            pack; "" for none.
        order: the widgets in the order of the file.
    """

    tool: str
    name: str
    value: str = ""
    slot: int = 0
    shown: str = ""
    suffix: str = ""
    limits: tuple[str, str, str] = ("", "", "")
    choices: str = ""
    needs: str = ""
    instead: str = ""
    order: tuple[str, ...] = ()


class OutputClass(NamedTuple):
    """A class that hands a value out. `name` as of an `InputClass`."""

    tool: str
    name: str


_RANGE = ("min_value", "max_value", "")


def _deploy(value: str = "default_value", **more: str) -> tuple[InputClass, ...]:
    return (InputClass(COMFY_DEPLOY, "input_id", value, **more),)  # type: ignore[arg-type]


def _deploy_plain(core: str, is_limited: bool = False) -> tuple[InputClass, ...]:
    order = ("input_id", "default_value")
    row = InputClass(COMFY_DEPLOY, "input_id", "default_value", instead=core, order=order)
    return (row._replace(limits=_RANGE) if is_limited else row,)


def _swarm(value: str = "value", core: str = "", **more: object) -> tuple[InputClass, ...]:
    order = ("title", "value") if core else ()
    row = InputClass(SWARM, "title", value, instead=core, order=order)
    return (row._replace(**more),)


def _krita(name: str, slot: int, suffix: str = "", shown: str = "") -> InputClass:
    return InputClass(KRITA, name, slot=slot, suffix=suffix, shown=shown)


_NEEDS_KRITA = "its models and texts come from Krita, and nothing else has them"

# One row for each port that a node of the class is.
INPUTS: dict[str, tuple[InputClass, ...]] = {
    "CPackInputImage": (InputClass(COMFY_PACK, IDENTIFIER, shown="image"),),
    "CPackInputFile": (InputClass(COMFY_PACK, IDENTIFIER, "path"),),
    "CPackInputAny": (InputClass(COMFY_PACK, IDENTIFIER, shown="input"),),
    "CPackInputString": (
        InputClass(COMFY_PACK, IDENTIFIER, "value", instead="PrimitiveString", order=("value",)),
    ),
    "CPackInputInt": (
        InputClass(
            COMFY_PACK,
            IDENTIFIER,
            "value",
            limits=("min", "max", ""),
            instead="PrimitiveInt",
            order=("value",),
        ),
    ),
    "ComfyUIDeployExternalText": _deploy_plain("PrimitiveStringMultiline"),
    "ComfyUIDeployExternalTextAny": _deploy_plain("PrimitiveStringMultiline"),
    "ComfyUIDeployExternalNumber": _deploy_plain("PrimitiveFloat"),
    "ComfyUIDeployExternalNumberInt": _deploy_plain("PrimitiveInt"),
    "ComfyUIDeployExternalNumberSlider": _deploy_plain("PrimitiveFloat", True),
    "ComfyUIDeployExternalNumberSliderInt": _deploy_plain("PrimitiveInt", True),
    "ComfyUIDeployExternalSeed": (
        InputClass(COMFY_DEPLOY, "input_id", "default_value", limits=_RANGE),
    ),
    "ComfyUIDeployExternalBoolean": _deploy_plain("PrimitiveBoolean"),
    "ComfyUIDeployExternalEnum": _deploy(choices="options"),
    "ComfyUIDeployExternalCheckpoint": _deploy(),
    "ComfyUIDeployExternalLora": _deploy("default_lora_name"),
    "ComfyUIDeployExternalFaceModel": _deploy("default_face_model_name"),
    "ComfyUIDeployExternalFile": _deploy("file_url"),
    "ComfyUIDeployExternalImage": _deploy("", shown="default_value_url"),
    "ComfyUIDeployExternalImageAlpha": _deploy(""),
    "ComfyUIDeployExternalImageBatch": _deploy(""),
    "ComfyUIDeployExternalEXR": _deploy("", shown="exr_file"),
    "ComfyUIDeployExternalAudio": _deploy("", shown="audio_file"),
    "ComfyUIDeployExternalVideo": _deploy("", shown="default_value"),
    "ComfyDeployWebscoketImageInput": _deploy(""),
    "SwarmInputText": _swarm(core="PrimitiveStringMultiline"),
    "SwarmInputInteger": _swarm(core="PrimitiveInt", limits=("min", "max", "step")),
    "SwarmInputFloat": _swarm(core="PrimitiveFloat", limits=("min", "max", "step")),
    "SwarmInputBoolean": _swarm(core="PrimitiveBoolean"),
    "SwarmInputDropdown": _swarm(choices="values"),
    "SwarmInputCheckpoint": _swarm(),
    "SwarmInputModelName": _swarm(),
    "SwarmInputImage": _swarm(""),
    "SwarmInputAudio": _swarm(""),
    "SwarmInputVideo": _swarm(""),
    "ETN_Parameter": (InputClass(KRITA, "name", shown="default", limits=("min", "max", "")),),
    "ETN_KritaCanvas": tuple(
        _krita(TITLE, slot, f"={name}")
        for slot, name in enumerate(("image", "width", "height", "seed"))
    ),
    "ETN_KritaSelection": (_krita(TITLE, 0, "=mask"), _krita(TITLE, 1, "=active")),
    "ETN_KritaImageLayer": (_krita("name", 0), _krita("name", 1, ".mask")),
    "ETN_KritaMaskLayer": (_krita("name", 0),),
    "ETN_KritaStyle": (InputClass(KRITA, "name", needs=_NEEDS_KRITA),),
    "ETN_KritaStyleAndPrompt": (InputClass(KRITA, "name", needs=_NEEDS_KRITA),),
    "ETN_LoadImageBase64": (_krita(TITLE, 0), _krita(TITLE, 1, ".mask")),
    "ETN_LoadMaskBase64": (_krita(TITLE, 0),),
    "WorkflowInput": (InputClass(FLOW_CHAIN, "Name", shown="default"),),
}

OUTPUTS: dict[str, OutputClass] = {
    **{
        f"CPackOutput{kind}": OutputClass(COMFY_PACK, IDENTIFIER)
        for kind in ("Image", "File", "Audio", "Video", "Zip", "VideoZip", "TextFile")
    },
    **{
        name: OutputClass(COMFY_DEPLOY, "output_id")
        for name in (
            "ComfyDeployOutputImage",
            "ComfyDeployOutputText",
            "ComfyDeployOutputFile",
            "ComfyDeployOutputEXR",
            "ComfyDeployWebscoketImageOutput",
        )
    },
    **{
        f"Swarm{kind}": OutputClass(SWARM, TITLE)
        for kind in (
            "SaveImageWS",
            "SaveAnimatedWebpWS",
            "SaveAnimationWS",
            "SaveAudioWS",
        )
    },
    "ETN_KritaOutput": OutputClass(KRITA, TITLE),
    "ETN_KritaSendText": OutputClass(KRITA, "name"),
    "ETN_SendImageWebSocket": OutputClass(KRITA, TITLE),
    "WorkflowOutput": OutputClass(FLOW_CHAIN, "Name"),
}
