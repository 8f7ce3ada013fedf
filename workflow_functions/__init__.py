"""Workflows as functions, and the stubs that tell their types to editors and type checkers."""
