"""Reads what a caller gave as workflows, and prepares it for running."""
