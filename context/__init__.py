"""The rooms behind `workflow_context.py`: lifetime, usage, lending to a run, references."""
