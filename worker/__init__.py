"""Starts, drives and ends a nested ComfyUI. `comfy_serverless.py` is the door to this package.

`launch` has the process, `client` talks to the server. `server` keeps one of each together, and
`attached_server` stands for a ComfyUI that runs already. `server_holder` has one started for a
connector and ended, `server_view` is what a connector shows of either, `shared` counts the
users of a connector, `keep_warm` says for how long `keeper` keeps a worker, `model_memory` weighs a
server's models, `kept_classes` keeps what node classes they had.
"""
