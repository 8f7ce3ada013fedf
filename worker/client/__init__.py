"""Talks to a ComfyUI server: HTTP, websocket, one prompt from queueing to its end."""
