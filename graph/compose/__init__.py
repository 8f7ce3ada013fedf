"""Workflow to workflow: stitch, prune, freeze, close."""
