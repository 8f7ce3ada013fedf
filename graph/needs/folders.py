"""Which values of inputs are names of files, and the kind of model that an input names.

Source: nodes.py, comfy_extras and folder_paths.py of ComfyUI 0.33.0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .values import Kind, ModelSource

MODEL_ENDINGS = (
    *(".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".pkl"),
    *(".onnx", ".engine", ".torchscript", ".task"),
)
INPUT_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".exr", ".hdr"),
    *(".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v"),
    *(".wav", ".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac"),
    *(".glb", ".gltf", ".obj", ".fbx", ".stl", ".ply", ".splat", ".ksplat", ".spz", ".usdz"),
    *(".latent", ".svg"),
)
_UPLOADS = (
    *("image_upload", "video_upload", "audio_upload", "file_upload", "animated_image_upload"),
)
_LEGACY = {"unet": "diffusion_models", "clip": "text_encoders"}
_OF_CLASS = {
    ("CLIPVisionLoader", "clip_name"): "clip_vision",
    ("FrameInterpolationModelLoader", "model_name"): "frame_interpolation",
    ("LTXAVTextEncoderLoader", "text_encoder"): "text_encoders",
    ("LatentUpscaleModelLoader", "model_name"): "latent_upscale_models",
    ("LoadDA3Model", "model_name"): "geometry_estimation",
    ("LoadMediaPipeFaceLandmarker", "model_name"): "detection",
    ("LoadMoGeModel", "model_name"): "geometry_estimation",
    ("ModelPatchLoader", "name"): "model_patches",
    ("OpticalFlowLoader", "model_name"): "optical_flow",
    ("UpscaleModelLoader", "model_name"): "upscale_models",
}
_OF_INPUT = {
    "audio_encoder_name": "audio_encoders",
    "bg_removal_name": "background_removal",
    "ckpt_name": "checkpoints",
    "clip_name": "text_encoders",
    "clip_name1": "text_encoders",
    "clip_name2": "text_encoders",
    "clip_name3": "text_encoders",
    "clip_name4": "text_encoders",
    "clip_vision_name": "clip_vision",
    "control_net_name": "controlnet",
    "gligen_name": "gligen",
    "hypernetwork_name": "hypernetworks",
    "lora": "loras",
    "lora_name": "loras",
    "photomaker_model_name": "photomaker",
    "style_model_name": "style_models",
    "unet_name": "diffusion_models",
    "upscale_model_name": "upscale_models",
    "vae_name": "vae",
}


def kind_of_value(value: str, options: Mapping[str, object]) -> Kind:
    """What a value of a combo names, from its ending and the input's options."""
    ending = value.lower()
    if ending.endswith(MODEL_ENDINGS):
        return Kind.MODEL
    is_upload = any(options.get(flag) for flag in _UPLOADS)
    # "picture.png [output]" is a file in another folder of the server's.
    if is_upload or ending.partition(" [")[0].endswith(INPUT_ENDINGS):
        return Kind.INPUT
    return Kind.CHOICE


def folder_name(name: str) -> str:
    """A kind of model as ComfyUI calls its folder today."""
    return _LEGACY.get(name, name)


def folder_of(
    class_type: str,
    input_name: str,
    source: ModelSource | None,
    choices: Sequence[str],
    lists: Mapping[str, Sequence[str]],
) -> str | None:
    """The kind of model that an input names.

    What is known of the input, else whose files it lists, else what the workflow says.

    Args:
        lists: kind -> the names of the server's files.
    """
    last = input_name.rpartition(".")[2]
    known = _OF_CLASS.get((class_type, last))
    if known is not None:
        return known
    offered = set(choices)
    listed = [k for k, names in lists.items() if names and offered.issuperset(names)]
    if listed:
        return max(listed, key=lambda k: len(lists[k]))
    said = folder_name(source.folder) if source is not None else ""
    return (said if said in lists else None) or _OF_INPUT.get(last) or said or None
