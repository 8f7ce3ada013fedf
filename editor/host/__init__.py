"""The user's ComfyUI: what is shared in it, and the one door to its modules."""
