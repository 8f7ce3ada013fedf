"""What happens inside the user's ComfyUI: the nodes' work, the nested worker they share, routes."""
