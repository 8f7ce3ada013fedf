"""References in runs: stored recipes, and the models that ComfyUI is to keep."""
