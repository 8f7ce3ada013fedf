# pyright: reportMissingImports=false, reportUndefinedVariable=false
import sys

from autograph import ApiFlow

workflow, server, out = sys.argv[1:4]

# The job.
api = ApiFlow(workflow, server_url=server)
api.CLIPTextEncode[0].text = "a fox"
api.KSampler.seed = 7
result = api.submit(server_url=server, wait=True)
result.fetch_images().save(f"{out}/###.png")
