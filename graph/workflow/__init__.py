"""The editor's JSON as values, and the edits on it."""
