"""Workflow to prompt: what the front end's "Export (API)" gives."""
