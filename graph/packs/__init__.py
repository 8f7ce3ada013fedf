"""What the JavaScript of node packs does to a prompt, as tables of rules."""
