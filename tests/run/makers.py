"""For each type of ComfyUI's core a prompt that makes a value of it, without weights or a service.

Core nodes wherever they can; else a stub node that gives what the core node gives.
"""

from __future__ import annotations

from typing import Any

from support.prompts import port


def chain(*nodes: tuple[str, dict], slot: int = 0) -> dict:
    """A prompt of nodes "1", "2", ... that gives an output of the last as "it"."""
    prompt = {
        str(i): {"class_type": kind, "inputs": inputs} for i, (kind, inputs) in enumerate(nodes, 1)
    }
    return {**prompt, "port": port("it", [str(len(nodes)), slot])}


def node(kind: str, slot: int = 0, **inputs: Any) -> dict:
    return chain((kind, inputs), slot=slot)


def stub(kind: str) -> dict:
    return node(f"StubMake_{kind}")


PICTURE = ("EmptyImage", {"width": 8, "height": 16, "batch_size": 2, "color": 255})
SOUND = ("EmptyAudio", {"duration": 0.1, "sample_rate": 8000, "channels": 2})
VIDEO = ("CreateVideo", {"images": ["1", 0], "fps": 24.0})
VOXEL = ("StubMake_VOXEL", {})
MESH = ("VoxelToMeshBasic", {"voxel": ["1", 0], "threshold": 0.5})
CAMERA = {"position": {"x": 1.5, "y": 2, "z": -3.25}, "zoom": 1, "cameraType": "perspective"}
SCENE = {
    "model_file": "none",
    "viewport_state": {"camera_info": CAMERA, "model_3d_info": [{"name": "cube"}]},
    "width": 64,
    "height": 48,
}
BOXES = (
    "CreateBoundingBoxes",
    {
        "width": 64,
        "height": 64,
        "editor_state": {
            "__value__": [
                {"x": 4, "y": 8, "width": 16, "height": 32,
                 "metadata": {"type": "text", "text": "a", "desc": "b", "palette": ["#ff8800"]}},
            ]
        },
    },
)  # fmt: skip
TRACKS = {
    "width": 64, "height": 64, "start_x": 0.0, "start_y": 0.0, "end_x": 1.0, "end_y": 1.0,
    "num_frames": 5, "num_tracks": 2, "track_spread": 0.1, "bezier": False, "mid_x": 0.5,
    "mid_y": 0.5, "interpolation": "linear",
}  # fmt: skip
KLING = dict.fromkeys(
    ("horizontal_movement", "vertical_movement", "pan", "tilt", "roll", "zoom"), 1.0
)

# Several where versions differ: the first whose nodes a server has.
MAKERS: dict[str, tuple[dict, ...]] = {
    "ARRAY": (chain(BOXES, slot=2),),
    "AUDIO": (chain(SOUND),),
    "BOOLEAN": (node("PrimitiveBoolean", value=True),),
    "BOUNDING_BOX": (node("PrimitiveBoundingBox", x=1, y=2, width=30, height=40),),
    "COLOR": (node("ColorToRGBInt", slot=1, color="#ff8800"),),
    "COMBO": (chain(PICTURE, VIDEO, ("GetVideoComponents", {"video": ["2", 0]}), slot=4),),
    "DICT": (
        chain(BOXES, ("BuildJsonPromptIdeogram", {
            "element": ["1", 2], "high_level_description": "a", "background": "b",
            "style": "photo", "style.photo": "35mm", "aesthetics": "c", "lighting": "d",
            "medium": "e", "color_palette": {"__value__": ["#ff8800"]},
        })),
    ),
    "ELEVENLABS_VOICE": (node("ElevenLabsVoiceSelector", voice="Sarah (female, american)"),),
    "FISHAUDIO_VOICE": (
        chain(("FishAudioVoiceSelector", {"voice": "custom", "voice.voice_id": "0123abcd"})),
    ),
    "FLOAT": (node("PrimitiveFloat", value=0.25),),
    "HISTOGRAM": (chain(PICTURE, ("ImageHistogram", {"image": ["1", 0]}), slot=2),),
    "IMAGE": (chain(PICTURE),),
    "INT": (node("PrimitiveInt", value=41),),
    "LATENT": (node("EmptyLatentImage", width=64, height=64, batch_size=2),),
    "LAYERS": (
        chain(PICTURE, ("AddLayer", {"image": ["1", 0], "name": "a", "opacity": 0.5}), (
            "LayersFromBoundingBoxes",
            {"image": ["1", 0], "bboxes": "[]", "layers": ["2", 0], "canvas_width": 64,
             "canvas_height": 48},
        )),
    ),
    "LOAD3D_CAMERA": (node("Load3DAdvanced", slot=2, **SCENE), stub("LOAD3D_CAMERA")),
    "LOAD3D_MODEL_INFO": (node("Load3DAdvanced", slot=1, **SCENE),),
    "MASK": (node("SolidMask", value=0.25, width=8, height=16),),
    "PIXVERSE_TEMPLATE": (node("PixverseTemplateNode", template="Microwave"),),
    "SIGMAS": (node("KarrasScheduler", steps=4, sigma_max=14.6, sigma_min=0.03, rho=7.0),),
    "STRING": (node("PrimitiveString", value="text"),),
    "TIMESTEPS_RANGE": (
        node("ConditioningTimestepsRange", start_percent=0.1, end_percent=0.75),
    ),
    "TRACKS": (node("GenerateTracks", **TRACKS),),
    "WAN_CAMERA_EMBEDDING": (
        node("WanCameraEmbedding", camera_pose="Pan Up", width=64, height=64, length=5),
    ),
    **{
        kind: (stub(kind),)
        for kind in (
            "AUDIO_ENCODER_OUTPUT", "DA3_GEOMETRY", "FACE_LANDMARKS", "IC_LORA_PARAMETERS",
            "KREA_STYLE_REF", "LORA_MODEL", "LOSS_MAP", "MESHY_RIGGED_TASK_ID", "MESHY_TASK_ID",
            "MODEL_TASK_ID", "MOGE_GEOMETRY", "POSE_KEYPOINT", "RETARGET_TASK_ID", "RIG_TASK_ID",
            "SAM3_TRACK_DATA",
        )
    },
    # Objects of ComfyUI's own classes.
    "CAMERA_CONTROL": (node("KlingCameraControls", camera_control_type="simple", **KLING),),
    "CLIP_VISION_OUTPUT": (stub("CLIP_VISION_OUTPUT"),),
    "CONDITIONING": (stub("CONDITIONING"),),
    "CURVE": (
        node("CurveEditor", curve={"points": [[0, 0], [0.5, 0.25], [1, 1]],
                                   "interpolation": "linear"}),
    ),
    "FILE_3D": (
        chain(VOXEL, MESH, ("MeshToFile3D", {"mesh": ["2", 0]}), (
            "Preview3DAdvanced",
            {"model_3d": ["3", 0], "viewport_state": {}, "width": 64, "height": 64},
        )),
    ),
    "FILE_3D_GLB": (chain(VOXEL, MESH, ("MeshToFile3D", {"mesh": ["2", 0]})),),
    "FILE_3D_SPLAT_ANY": (
        chain(("StubMake_SPLAT", {}), ("SplatToFile3D", {"splat": ["1", 0], "format": "ply"})),
    ),
    "HOOKS": (stub("HOOKS"),),
    "HOOK_KEYFRAMES": (node("CreateHookKeyframe", strength_mult=0.5, start_percent=0.25),),
    "LATENT_OPERATION": (node("LatentOperationTonemapReinhard", multiplier=1.5),),
    "LUMA_CONCEPTS": (
        node("LumaConceptsNode", concept1="pan_left", concept2="None", concept3="None",
             concept4="None"),
    ),
    "LUMA_RAY32_KEYFRAME": (
        chain(PICTURE, ("LumaRay32KeyframeNode", {
            "image": ["1", 0], "position": "Absolute time (seconds)", "position.seconds": 1.5,
        })),
    ),
    "LUMA_REF": (chain(PICTURE, ("LumaReferenceNode", {"image": ["1", 0], "weight": 0.5})),),
    "MESH": (chain(VOXEL, MESH),),
    "NOISE": (node("RandomNoise", noise_seed=7),),
    "OPENAI_CHAT_CONFIG": (
        node("OpenAIChatConfig", truncation="auto", max_output_tokens=64, instructions="be short"),
    ),
    "RECRAFT_COLOR": (node("RecraftColorRGB", r=1, g=2, b=3),),
    "RECRAFT_CONTROLS": (
        chain(("RecraftColorRGB", {"r": 1, "g": 2, "b": 3}),
              ("RecraftControls", {"colors": ["1", 0]})),
    ),
    "RECRAFT_V3_STYLE": (node("RecraftStyleV3RealisticImage", substyle="hdr"),),
    "RUNWAY_ALEPH2_KEYFRAME": (
        chain(PICTURE, ("RunwayAleph2KeyframeNode", {
            "image": ["1", 0], "timing": "Absolute time (seconds)", "timing.seconds": 1.5,
        })),
    ),
    "RUNWAY_ALEPH2_PROMPT_IMAGE": (
        chain(PICTURE, ("RunwayAleph2PromptImageNode", {
            "image": ["1", 0], "position": "Absolute time (seconds)", "position.seconds": 1.5,
        })),
    ),
    "SAMPLER": (node("KSamplerSelect", sampler_name="euler"),),
    "SPLAT": (stub("SPLAT"),),
    "SVG": (stub("SVG"),),
    "VIDEO": (chain(PICTURE, VIDEO),),
    "VOXEL": (stub("VOXEL"),),
}  # fmt: skip

# What is made of weights, of a file that a user brings, or of such a thing.
NEEDS_WEIGHTS_OR_FILES = {
    "AUDIO_ENCODER", "BACKGROUND_REMOVAL", "CLIP", "CLIP_VISION", "CONTROL_NET", "DA3_MODEL",
    "FACE_DETECTION_MODEL", "FILE_3D_FBX", "FILE_3D_OBJ", "FILE_3D_POINT_CLOUD_ANY",
    "GEMINI_INPUT_FILES", "GLIGEN", "GUIDER", "INTERP_MODEL", "LATENT_UPSCALE_MODEL", "MODEL",
    "MODEL_PATCH", "MOGE_MODEL", "OPENAI_INPUT_FILES", "OPTICAL_FLOW", "PHOTOMAKER",
    "SHAPE_SUBDIVIDES", "STYLE_MODEL", "UPSCALE_MODEL", "VAE",
}  # fmt: skip


def maker_of(kind: str, info: dict) -> dict | None:
    """The prompt that makes a value of a type on this server; None: it has no such nodes."""
    for prompt in MAKERS.get(kind, ()):
        if all(n["class_type"] in info for n in prompt.values()):
            return prompt
    return None
