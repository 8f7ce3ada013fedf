"""What the drop-downs of the nodes offer."""

from __future__ import annotations

import logging

from ..host import allowed_folders

log = logging.getLogger("discomfort.editor")


def workflow_names() -> list[str]:
    """The workflows that may be run, those that the user saved first. Empty outside ComfyUI."""
    try:
        return allowed_folders.list_workflows(allowed_folders.workflow_folders())
    except ImportError:
        return []
    except Exception:  # the whole /object_info fails with what a class raises
        log.exception("The workflows can't be listed.")
        return []
