"""Which ports there are, what they take, what is missing."""
