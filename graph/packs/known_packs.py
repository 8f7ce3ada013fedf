"""The rules of well-known packs, each with what it was seen with.

Observed in the browser at ComfyUI 0.33.0, front end 1.49.6. `docs/node_packs.md` tells people what
of a pack works. `seen_with`: a version, a commit, or the month in which the newest was seen.
"""

from __future__ import annotations

from dataclasses import replace

from .rules import ClassRules, PackRules, Rows, RuleBook

_SET = ClassRules(set_name=True)
_GET = ClassRules(get_name=True)
_SEEN = "November 2026"

_IN_BROWSER_ONLY = (
    "this node exists in the browser's JavaScript only, and others get a value from it. Replace it "
    "by links or by a node that holds the value, or export the workflow in the browser (Export "
    "(API)) and use that file"
)
_PAGE_ONLY = ClassRules(page_only=True, refusal=_IN_BROWSER_ONLY)

_DRAWN = ClassRules(drawn=("seed", "noise_seed"))
_EFFICIENT = (
    "KSampler (Efficient)",
    "KSampler Adv. (Efficient)",
    "KSampler SDXL (Eff.)",
    "HighRes-Fix Script",
    "Noise Control Script",
    "Tiled Upscaler Script",
)
_VHS = ClassRules(named_only=True, size_text=("force_size", "custom_width", "custom_height"))
_VHS_FRAMES = ("frame_load_cap", "skip_first_frames", "select_every_nth")
_VHS_IMAGES = ("image_load_cap", "skip_first_images", "select_every_nth")
_VHS_VIDEO = replace(_VHS, old_places=("video", "force_rate", "force_size", *_VHS_FRAMES))
_CUSTOM_SIZE = ClassRules(
    # It was in Chinese once: "custom x custom".
    instead={"resolution": {"\u81ea\u5b9a\u4e49 x \u81ea\u5b9a\u4e49": "width x height (custom)"}}
)
# These widths are inputs, and never were widgets on the page.
_SDXL_PROMPT = ClassRules(sockets=("target_width", "target_height", "crop_width", "crop_height"))

PACKS = (
    PackRules(
        "rgthree-comfy",
        _SEEN,
        {
            **{
                f"{name} (rgthree)": _PAGE_ONLY
                for name in (
                    "Label",
                    "Bookmark",
                    "Fast Groups Bypasser",
                    "Fast Groups Muter",
                    "Fast Bypasser",
                    "Fast Muter",
                    "Fast Actions Button",
                    "Mute / Bypass Repeater",
                    "Mute / Bypass Relay",
                    "Random Unmuter",
                    "Node Combiner",
                    "Node Collector",
                )
            },
            "Seed (rgthree)": _DRAWN,
            "SDXL Power Prompt - Positive (rgthree)": _SDXL_PROMPT,
            "SDXL Power Prompt - Simple / Negative (rgthree)": _SDXL_PROMPT,
            # The second strength is sent only once the page has drawn the node.
            "Power Lora Loader (rgthree)": ClassRules(
                rows=Rows(
                    "lora",
                    "lora_",
                    ("strengthTwo",),
                    {"Show Strengths": "Separate Model & Clip"},
                )
            ),
        },
    ),
    PackRules(
        "cg-use-everywhere",
        "7.8, a3952a4",
        {
            "Anything Everywhere": ClassRules(page_only=True, broadcast="inputs"),
            "Anything Everywhere?": ClassRules(page_only=True, broadcast="inputs"),
            "Anything Everywhere3": ClassRules(page_only=True, broadcast="inputs"),
            "Prompts Everywhere": ClassRules(page_only=True, broadcast="prompts"),
            "Seed Everywhere": ClassRules(broadcast="seed"),
        },
    ),
    PackRules("ComfyUI-KJNodes", _SEEN, {"SetNode": _SET, "GetNode": _GET}),
    PackRules(
        "ComfyUI-VideoHelperSuite",
        "4ee72c0",
        {
            "VHS_*": _VHS,
            "VHS_LoadVideo": _VHS_VIDEO,
            "VHS_LoadVideoPath": _VHS_VIDEO,
            "VHS_LoadImages": replace(_VHS, old_places=("directory", "", *_VHS_IMAGES)),
            "VHS_LoadImagesPath": replace(_VHS, old_places=("directory", *_VHS_IMAGES)),
            "VHS_VideoCombine": replace(
                _VHS,
                old_names={"save_output": "save_image"},
                old_places=(
                    "frame_rate",
                    "loop_count",
                    "filename_prefix",
                    "format",
                    "pingpong",
                    "save_image",
                ),
            ),
            "VHS_SelectLatest": ClassRules(
                refusal="the browser looks up the newest file that fits, and sends its name in "
                "place of this node's link. Give the file's name where the link goes",
            ),
        },
    ),
    PackRules(
        "ComfyUI-mxToolkit",
        _SEEN,
        {
            "mxSlider": ClassRules(from_properties={"Xi": "value", "Xf": "value"}),
            "mxSlider2D": ClassRules(
                from_properties={"Xi": "valueX", "Xf": "valueX", "Yi": "valueY", "Yf": "valueY"}
            ),
        },
    ),
    PackRules(
        "ComfyUI-Impact-Pack",
        "October 2024",
        {
            "PreviewBridge": ClassRules(fixed={"image": "${id}-0"}),
            "PreviewBridgeLatent": ClassRules(fixed={"image": "${id}-0"}),
            "ImageReceiver": ClassRules(instead={"image_data": {"[IMAGE DATA]": ""}}),
        },
    ),
    PackRules("efficiency-nodes-comfyui", "4579b7d", dict.fromkeys(_EFFICIENT, _DRAWN)),
    PackRules("comfy_mtb", "eabe43d", {"Note Plus (mtb)": _PAGE_ONLY}),
    PackRules(
        "ComfyUI-Easy-Use",
        _SEEN,
        {
            "easy bookmark": _PAGE_ONLY,
            "easy setNode": _SET,
            "easy getNode": _GET,
            "easy stylesSelector": ClassRules(widgets={"select_styles": ""}),
            "easy humanSegmentation": ClassRules(widgets={"mask_components": ""}),
            "easy promptAwait": ClassRules(
                widgets={"toolbar": '{"select":"now","unlock":true,"last_seed":0,"seed":0}'}
            ),
            "easy multiAngle": ClassRules(
                widgets={
                    "multi_angle": '[{"rotate":0,"vertical":0,"zoom":5,"add_angle_prompt":true}]'
                }
            ),
            "easy prompt": ClassRules(
                first_choice=(
                    "prefix",
                    "subject",
                    "action",
                    "clothes",
                    "environment",
                    "background",
                    "nsfw",
                )
            ),
            **{
                f"easy {name}": _CUSTOM_SIZE
                for name in (
                    "fullLoader",
                    "a1111Loader",
                    "comfyLoader",
                    "svdLoader",
                    "cascadeLoader",
                    "kolorsLoader",
                    "fluxLoader",
                    "hunyuanDiTLoader",
                    "mochiLoader",
                    "pixels",
                )
            },
        },
    ),
    PackRules("ComfyUI-Crystools", "2f18256", {"Show Metadata [Crystools]": _PAGE_ONLY}),
    PackRules(
        "ComfyUI-Custom-Scripts",
        _SEEN,
        {"PresetText|pysssss": _PAGE_ONLY, "workflowinfo|pysssss": _PAGE_ONLY},
    ),
    PackRules("GroupTitle", _SEEN, {"GroupTitle*": _PAGE_ONLY}),
)

KNOWN = RuleBook(PACKS)
