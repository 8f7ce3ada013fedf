"""Which arguments of the user's ComfyUI its nested one gets: what changes results, where models
are, how the device is used, and what may reach the internet. For `shared_worker.py`.

Source: comfy/cli_args.py of 0.3.64 and 0.33; flags of newer ones are at the end of their list.
"""

from __future__ import annotations

from collections.abc import Sequence

_SWITCHES = """
--cpu --gpu-only --highvram --normalvram --lowvram --novram --cuda-malloc --disable-cuda-malloc
--force-fp32 --force-fp16 --fp32-unet --fp64-unet --bf16-unet --fp16-unet --fp8_e4m3fn-unet
--fp8_e5m2-unet --fp8_e8m0fnu-unet --fp16-vae --fp32-vae --bf16-vae --cpu-vae
--fp8_e4m3fn-text-enc --fp8_e5m2-text-enc --fp16-text-enc --fp32-text-enc --bf16-text-enc
--fp16-intermediates --force-channels-last --supports-fp8-compute --disable-ipex-optimize
--enable-triton-backend --disable-triton-backend --use-split-cross-attention
--use-quad-cross-attention --use-pytorch-cross-attention --use-sage-attention
--use-flash-attention --use-ck-attention --disable-xformers --force-upcast-attention
--dont-upcast-attention --disable-async-offload --force-non-blocking --disable-smart-memory
--deterministic --mmap-torch-files --disable-mmap --disable-metadata --disable-all-custom-nodes
--disable-api-nodes --disable-dynamic-vram --enable-dynamic-vram --disable-pinned-memory
--disable-nvml-pressure --fast-disk --disable-cuda-graphs
--offline --disable-partner-nodes --date-based-output
"""
# flag -> how many values it takes at most.
_PASSED_ON = {
    "--base-directory": 1,
    "--extra-model-paths-config": 99,
    "--models-directory": 1,
    "--whitelist-custom-nodes": 99,
    "--reserve-vram": 1,
    "--vram-headroom": 1,
    "--fast": 99,
    "--oneapi-device-selector": 1,
    "--directml": 1,
    "--preview-size": 1,
    "--async-offload": 1,
    "--default-hashing-function": 1,
    "--comfy-api-base": 1,
    "--disabled-nodes-config": 1,
    "--date-output-format": 1,
    **dict.fromkeys(_SWITCHES.split(), 0),
}
# Not for the nested one: it has folders, a port, caches and a log of its own, is seen by nobody,
# and inherits the choice of the device with the environment.
_ITS_OWN = """
--listen --port --tls-keyfile --tls-certfile --enable-cors-header --max-upload-size
--output-directory --temp-directory --input-directory --user-directory --database-url
--auto-launch --disable-auto-launch --cuda-device --default-device --preview-method
--cache-ram --cache-classic --cache-lru --cache-none --high-ram
--enable-manager --disable-manager-ui --enable-manager-legacy-ui --debug-hang
--dont-print-server --quick-test-for-ci --windows-standalone-build --multi-user --verbose
--log-stdout --front-end-version --front-end-root --enable-compress-response-body
--enable-assets --disable-assets --enable-asset-hashing --feature-flag --list-feature-flags
"""
_KNOWN = frozenset(_PASSED_ON) | frozenset(_ITS_OWN.split())


def arguments_to_pass_on(argv: Sequence[str]) -> list[str]:
    """Those arguments of the user's ComfyUI that the nested one needs too."""
    kept: list[str] = []
    left = 0
    for argument in argv:
        if argument.startswith("--"):
            flag, has_value, _ = argument.partition("=")
            left = _PASSED_ON.get(flag, 0)
            if flag in _PASSED_ON:
                kept.append(argument)
            if has_value:
                left = 0
        elif left:
            kept.append(argument)
            left -= 1
    return kept


def unknown_flags(argv: Sequence[str]) -> list[str]:
    """The flags of which nothing says whether the nested one needs them: a newer ComfyUI's."""
    flags = (argument.partition("=")[0] for argument in argv if argument.startswith("--"))
    return [flag for flag in flags if flag not in _KNOWN]
