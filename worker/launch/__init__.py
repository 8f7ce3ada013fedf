"""Finds, starts, watches and ends the process of a nested ComfyUI."""
