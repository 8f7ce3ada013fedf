"""As the package of that name in ComfyUI, as far as extensions reach into it."""
