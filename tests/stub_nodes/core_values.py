"""Nodes that give values of types which ComfyUI's core makes with weights or a service only.

Each value has the structure that the core node gives, small and of fixed numbers. The node that it
is taken from stands beside it (file of ComfyUI 0.33).
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any


def _range(*shape: int, kind: str = "float32") -> Any:
    import torch

    count = torch.Size(shape).numel()
    return torch.arange(count).reshape(shape).to(getattr(torch, kind))


def _audio_encoder_output() -> Any:  # comfy/audio_encoders/audio_encoders.py, encode_audio
    layers = [_range(1, 3, 4), _range(1, 3, 4) * 2]
    return {
        "encoded_audio": layers[-1],
        "encoded_audio_all_layers": layers,
        "audio_samples": 1280,
    }


def _clip_vision_output() -> Any:  # comfy/clip_vision.py, encode_image
    from comfy.clip_vision import Output  # type: ignore[import-not-found]

    output = Output()
    output["last_hidden_state"] = _range(1, 5, 4)
    output["image_embeds"] = _range(1, 4)
    output["image_sizes"] = [(3, 224, 224)]
    return output


def _conditioning() -> Any:  # nodes.py, CLIPTextEncode
    return [[_range(1, 7, 4), {"pooled_output": _range(1, 4)}]]


def _da3_geometry() -> Any:  # comfy_extras/nodes_depth_anything_3.py, _execute_multiview
    import torch

    eye = torch.eye(4)[None, None].expand(1, 2, 4, 4).clone()
    return {
        "depth": _range(2, 4, 6),
        "image": _range(2, 4, 6, 3) / 144,
        "mode": "multiview",
        "extrinsics": eye,
        "intrinsics": torch.eye(3).expand(1, 2, 3, 3).clone(),
        "sky": _range(2, 4, 6) % 2,
        "confidence": _range(2, 4, 6) / 48,
    }


def _face_landmarks() -> Any:  # comfy_extras/nodes_mediapipe.py and mediapipe/face_landmarker.py
    import numpy as np

    points = np.arange(36, dtype=np.float32).reshape(2, 6, 3)
    face = {
        "bbox_xyxy": np.array([1, 2, 30, 40], dtype=np.float32),
        "blendshapes": {"jawOpen": 0.5, "eyeBlinkLeft": 0.25},
        "landmarks_xy": points[0, :, :2],
        "landmarks_3d": points[1],
        "presence": 12.5,
        "score": float(np.float32(0.9)),
        "transformation_matrix": np.eye(4),
    }
    sets = {"lips": frozenset({(0, 1), (1, 2)}), "all": frozenset({(0, 1), (1, 2), (3, 4)})}
    return {"frames": [[face], []], "image_size": (64, 48), "connection_sets": sets}


def _hooks() -> Any:  # comfy_extras/nodes_hooks.py, CreateHookLora
    from comfy import hooks  # type: ignore[import-not-found]

    return hooks.create_hook_lora(
        lora={"weight": _range(2, 2)}, strength_model=0.5, strength_clip=0.25
    )


def _ic_lora_parameters() -> Any:  # comfy_extras/nodes_lt.py, GetICLoRAParameters
    return {"reference_downscale_factor": 2}


def _krea_style_ref() -> Any:  # comfy_api_nodes/nodes_krea.py, Krea2StyleReferenceNode
    return [{"url": "https://example.com/style.png", "strength": 0.5}]


def _load3d_camera() -> Any:  # comfy_extras/nodes_load_3d.py: what the front end gives
    return {
        "position": {"x": 1.5, "y": 2.0, "z": -3.25},
        "target": {"x": 0, "y": 0, "z": 0},
        "zoom": 1,
        "cameraType": "perspective",
    }


def _lora_model() -> Any:  # comfy_extras/nodes_train.py, TrainLoraNode
    name = "diffusion_model.input_blocks.1.1.lora_down.weight"
    return {name: _range(4, 8, kind="bfloat16")}


def _loss_map() -> Any:  # comfy_extras/nodes_train.py, TrainLoraNode
    return {"loss": [0.5, 0.25, 0.1]}


def _moge_geometry() -> Any:  # comfy_extras/nodes_moge.py and comfy/ldm/moge/model.py, infer
    import torch

    mask = _range(1, 4, 6) % 5 > 0
    infinite = torch.full((1, 4, 6), float("inf"))
    return {
        "image": _range(1, 4, 6, 3) / 72,
        "points": torch.where(mask[..., None], _range(1, 4, 6, 3), infinite[..., None]),
        "depth": torch.where(mask, _range(1, 4, 6), infinite),
        "intrinsics": torch.eye(3)[None],
        "mask": mask,
        "normal": _range(1, 4, 6, 3),
    }


def _pose_keypoint() -> Any:  # comfy_extras/nodes_sdpose.py, _to_openpose_frames
    person = {
        "pose_keypoints_2d": [1.0, 2.0, 0.5] * 18,
        "foot_keypoints_2d": [3.0, 4.0, 0.25] * 6,
        "face_keypoints_2d": [5.0, 6.0, 1.0] * 70,
        "hand_right_keypoints_2d": [7.0, 8.0, 0.0] * 21,
        "hand_left_keypoints_2d": [9.0, 10.0, 0.125] * 21,
    }
    return [{"canvas_width": 64, "canvas_height": 48, "people": [person]}]


def _sam3_track_data() -> Any:  # comfy_extras/nodes_sam3.py and comfy/ldm/sam3/tracker.py
    return {
        "packed_masks": _range(3, 2, 8, 1, kind="uint8"),
        "n_frames": 3,
        "scores": [1.0, 0.75],
        "orig_size": (48, 64),
    }


def _splat() -> Any:  # comfy_extras/nodes_gaussian_splat.py, File3DToSplat
    from comfy_api.latest import Types  # type: ignore[import-not-found]

    return Types.SPLAT(
        _range(1, 5, 3),
        _range(1, 5, 3) + 1,
        _range(1, 5, 4),
        _range(1, 5, 1) / 5,
        _range(1, 5, 1, 3),
    )


def _svg() -> Any:  # comfy_api_nodes/nodes_recraft.py, RecraftTextToVectorNode
    try:
        from comfy_api.latest._util import SVG  # type: ignore[import-not-found]
    except ImportError:  # 0.3.64
        from comfy_extras.nodes_images import SVG  # type: ignore[import-not-found]

    return SVG([BytesIO(b"<svg/>")])


def _task_id() -> Any:  # comfy_api_nodes/nodes_meshy.py, nodes_tripo.py
    return "0193a1f2-7c4d-7e6b-8f10-2a3b4c5d6e7f"


def _voxel() -> Any:  # comfy_extras/nodes_hunyuan3d.py, VAEDecodeHunyuan3D
    import torch
    from comfy_extras.nodes_hunyuan3d import VOXEL  # type: ignore[import-not-found]

    data = torch.zeros(1, 6, 6, 6)
    data[:, 2:4, 2:4, 2:4] = 1
    return VOXEL(data)


MAKE: dict[str, Callable[[], Any]] = {
    "AUDIO_ENCODER_OUTPUT": _audio_encoder_output,
    "CLIP_VISION_OUTPUT": _clip_vision_output,
    "CONDITIONING": _conditioning,
    "DA3_GEOMETRY": _da3_geometry,
    "FACE_LANDMARKS": _face_landmarks,
    "HOOKS": _hooks,
    "IC_LORA_PARAMETERS": _ic_lora_parameters,
    "KREA_STYLE_REF": _krea_style_ref,
    "LOAD3D_CAMERA": _load3d_camera,
    "LORA_MODEL": _lora_model,
    "LOSS_MAP": _loss_map,
    "MESHY_RIGGED_TASK_ID": _task_id,
    "MESHY_TASK_ID": _task_id,
    "MODEL_TASK_ID": _task_id,
    "MOGE_GEOMETRY": _moge_geometry,
    "POSE_KEYPOINT": _pose_keypoint,
    "RETARGET_TASK_ID": _task_id,
    "RIG_TASK_ID": _task_id,
    "SAM3_TRACK_DATA": _sam3_track_data,
    "SPLAT": _splat,
    "SVG": _svg,
    "VOXEL": _voxel,
}


def _node(kind: str, make: Callable[[], Any]) -> type:
    """A node class that gives what `make` makes."""

    def input_types(cls: type) -> dict[str, Any]:
        return {"required": {}}

    def run(self: Any) -> tuple[Any]:
        return (make(),)

    about = {
        "__doc__": f"A value of the type {kind}.",
        "CATEGORY": "stub",
        "RETURN_TYPES": (kind,),
        "FUNCTION": "run",
        "INPUT_TYPES": classmethod(input_types),
        "run": run,
    }
    return type(f"StubMake_{kind}", (), about)


NODES = tuple(_node(kind, make) for kind, make in MAKE.items())
