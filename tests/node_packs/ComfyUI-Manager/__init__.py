"""In place of the ComfyUI Manager: the map that it publishes, and nothing else of it."""

NODE_CLASS_MAPPINGS: dict[str, type] = {}
