"""HTTP routes in the user's ComfyUI, for the JavaScript of `web/`."""
