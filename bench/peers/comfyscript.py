# ruff: noqa: E402, F403, F405, S102
# pyright: reportMissingImports=false, reportUndefinedVariable=false
import subprocess
import sys

from comfy_script.runtime import *

workflow, server, out = sys.argv[1:4]

# The job: translated once, and edited where a person would.
command = [sys.executable, "-m", "comfy_script.transpile", workflow, "--api", server]
script = subprocess.run(command, capture_output=True, text=True, check=True).stdout
script = script.replace("'a cat'", "'a fox'").replace("model, 1,", "model, 7,")
load(server)
from comfy_script.runtime.nodes import *

with Workflow(wait=True):
    exec(script)
    for i, picture in enumerate(util.get_images(image)):
        picture.save(f"{out}/{i}.png")
