"""Addresses: a node's widget, input or output by its name; a port made for one call."""
