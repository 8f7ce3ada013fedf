"""A node pack whose packages were not installed."""

import nobody_has_this_module  # type: ignore[import-not-found]

NODE_CLASS_MAPPINGS = {"BrokenNode": nobody_has_this_module.Node}
