"""The nodes that load and describe pictures."""
