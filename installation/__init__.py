"""What stands behind `bootstrap.py`: `.venv`, a ComfyUI, and the commands that need both.

`commands` has the commands, `choose_comfyui` finds or installs a ComfyUI, `environment` knows what
`.venv` must hold, `installers` has pip or uv put it there, `programs` runs programs, and `clone`
has the places. Standard library only, and nothing of the library but what finds ComfyUI: this runs
before anything is installed. No part of an installed package.
"""
