# pyright: reportMissingImports=false, reportUndefinedVariable=false
import os
import sys

from comfy_sdk import Comfy

workflow, proxy, out, text, seed, save = sys.argv[1:]
os.environ["COMFY_BASE_URL"] = proxy  # comfy-api-proxy, in front of the ComfyUI

# The job.
client = Comfy()
flow = client.workflows.from_file(workflow)
flow.set_input(text, "text", "a fox")
flow.set_input(seed, "seed", 7)
job = client.run(flow)
for output in job.get_outputs(save):
    output.to_file(f"{out}/{output.name}")
