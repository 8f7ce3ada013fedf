"""What ComfyUI's JavaScript does to nodes and `/object_info` does not show: the table of names.

Everything else in the converter is a generic rule. Source: observed at ComfyUI 0.33.0 with front
end 1.49.6.
"""

from __future__ import annotations

import re
from typing import Any

# Nodes that exist in the editor only. None of them is ever in a prompt.
NOTES = frozenset({"Note", "MarkdownNote"})
REROUTES = frozenset({"Reroute", "Reroute (rgthree)"})
PRIMITIVE = "PrimitiveNode"
VIRTUAL = NOTES | REROUTES | {PRIMITIVE}

# Prefixes of the type of a group node, the forerunner of the subgraph.
GROUP_NODE_PREFIXES = ("workflow>", "workflow/")
# The type of a node that stands for a subgraph is the id of its definition.
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

# A node's widget type -> the widget exists. Everything else is a socket.
WIDGET_TYPES = frozenset(
    {
        "INT",
        "FLOAT",
        "STRING",
        "BOOLEAN",
        "COMBO",
        "MARKDOWN",
        "COLOR",
        "IMAGECOMPARE",
        "BOUNDING_BOX",
        "BOUNDING_BOXES",
        "COLORS",
        "CHART",
        "GALLERIA",
        "PAINTER",
        "COMPOSITOR",
        "TEXTAREA",
        "CURVE",
        "RANGE",
        "VIDEO_EDIT",
        "IMAGEUPLOAD",
        "COMFY_DYNAMICCOMBO_V3",
        "WEBCAM",
        "AUDIO_UI",
        "AUDIOUPLOAD",
        "AUDIO_RECORD",
        "LOAD_3D",
        "LOAD_3D_ADVANCED",
        "PREVIEW_3D",
    }
)

# Widgets of front ends after 1.49 of which it is not known whether they have a place there, and
# what they send.
UNKNOWN_WIDGET_TYPES = frozenset(
    {
        "COMFY_BRANCH_SELECTOR",
        "COMFY_BRANCH_INPUT_NAMES",
        "CAMERA_INFO_STATE",
        "CAMERA_ANGLE_VIEW",
        "LIGHT_INFO_PREVIEW",
    }
)

# Widgets that are in the prompt, but have no place in widgets_values.
UNSAVED_WIDGET_TYPES = frozenset({"IMAGECOMPARE", "AUDIO_UI"})

# Widgets without a value of their own in the prompt as long as nothing is linked to them.
EDIT_BOXES = ("x", "y", "width", "height")  # follow a BOUNDING_BOX in widgets_values

# Buttons in front of a LOAD_3D widget, in a class that has a `model_file`: they have places in
# widgets_values, and are even sent.
LOAD_3D_BUTTONS = (
    ("upload 3d model", "upload3dmodel"),
    ("upload extra resources", "uploadExtraResources"),
    ("clear", "clear"),
)

# Widgets behind a combo whose values the browser fetches: name, value, whether it is sent.
REMOTE_TOGGLE: tuple[str, Any, bool] = ("Auto-refresh after generation", False, False)
REMOTE_BUTTON: tuple[str, Any, bool] = ("refresh", "refresh", True)

# A node that saves a model file gets a viewer's value that its class does not declare.
EXTRA_INPUTS: dict[str, tuple[tuple[str, str], ...]] = {
    "Preview3D": (("image", "PREVIEW_3D"),),
    "SaveGLB": (("image", "PREVIEW_3D"),),
}

# A viewer remembers its file in a property, which wins over the widget: class -> (input, property).
REMEMBERED = {"Preview3D": ("model_file", "Last Time Model File")}

# `filename_prefix` of these classes may hold %date:...% and %Node.widget%; so may that of output
# nodes of packs, whose JavaScript does the same.
SAVE_NODES = frozenset(
    {
        "SaveImage",
        "SaveImageAdvanced",
        "SaveSVGNode",
        "SaveVideo",
        "SaveAnimatedWEBP",
        "SaveWEBM",
        "SaveAudio",
        "SaveAudioMP3",
        "SaveAudioOpus",
        "SaveAudioAdvanced",
        "SaveGLB",
        "Save3DAdvanced",
        "SaveGaussianSplat",
        "SavePointCloud",
        "SaveAnimatedPNG",
        "CLIPSave",
        "VAESave",
        "ModelSave",
        "LoraSave",
        "SaveLatent",
    }
)

CUSTOM_COMBO = "CustomCombo"

# What the browser's camera or microphone records when a prompt is queued: class -> input.
BROWSER_INPUTS = {"WebcamCapture": "image", "RecordAudio": "audio"}

# The class of a port, for servers whose /object_info does not have it (nodes.py of this package).
BUILT_IN_CLASSES: dict[str, dict[str, Any]] = {
    "DiscomfortPort": {
        "input": {
            "required": {"unique_id": ["STRING", {"default": ""}]},
            "optional": {"tags": ["STRING", {"default": ""}], "input_data": ["*", {}]},
        },
        "input_order": {"required": ["unique_id"], "optional": ["tags", "input_data"]},
        "output": ["*"],
        "output_name": ["output"],
        "output_node": True,
        "name": "DiscomfortPort",
        "display_name": "Discomfort Port",
    }
}
