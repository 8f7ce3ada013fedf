"""What `/object_info` says: node classes, their inputs and widgets."""
