"""Starts, drives and ends a nested ComfyUI. `comfy_serverless.py` is the door to this package."""
