"""Finds, starts, watches and ends the process of a nested ComfyUI.

What to start: `find_comfyui`, `settings`, `arguments`, `environment`, `accelerator`, `extensions`.
Starting: `spawn`, `exec_child`, `start_until_ready`, `hello`, `tcp_ports`, `activity`,
`start_words`, `start_failures`.
Its life: `process`, `child`, `output_log`, `worker_folder`. Its end: `end_process`, `windows_job`.
In the worker itself: `inside_comfyui`, `prompt_thread`, `say_imports`; of one that is kept also
`guard`, `keeping`, `clean_comfyui`, `idle_thread`, `loaders`, `leavings`.
"""
