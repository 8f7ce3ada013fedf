"""What a workflow is made of: its ports, markers, and all that could be addressed. Runs nothing."""
