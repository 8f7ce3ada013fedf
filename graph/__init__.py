"""Pure functions over workflows and prompts: the standard library only, no I/O, no logging."""
