"""Keeps a worker for the next script: a small process of ours owns it, and scripts hold it in turn.

`keeper` is that process, which `program` starts; `kept_process` is what a script has of it, in the
place of a `WorkerProcess`. `worker_key` says which scripts may share a worker, `record` where the
keepers are, `wire` how one talks to them. `found_workers` lists them and ends them.
"""
