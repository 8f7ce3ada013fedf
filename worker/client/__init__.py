"""Talks to a ComfyUI server: HTTP, websocket, one prompt from queueing to its end.

The way there: `http`, `listener`, `queries`, `ask_together`, `uploads`. One prompt, all of it:
`client`; its parts: `options`, `queue_prompt`, `await_end`, `cancel`, `failures`, `open_runs`. What
is known of it: `events`, `run_state`, `prompt_run`. To the caller: `event_delivery`,
`event_stream`, `latest_events`.
"""
