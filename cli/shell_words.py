"""Texts of the library that name calls of Python's, in words for a shell. Pure.

The library speaks to scripts; whoever typed a command has no `await`. A test sees that each text is
still one of the library's.
"""

from __future__ import annotations

# What the library says -> what a shell's user is told.
_PHRASES = {
    "`print(await discomfort.check(workflow))` tells": "`discomfort check WORKFLOW` tells",
    "`await discomfort.fetch_models(workflow)` lists what it would download.": (
        "`discomfort fetch WORKFLOW` downloads them, after asking."
    ),
    "(`discomfort.Worker.upload_data(path)` copies one there), or give others in inputs, by the "
    "node's address.": "or give another one by the node's address: NODE.INPUT=name",
    "Pass them in inputs={...}, save them to the context, or run a workflow first that outputs "
    "them:": "Give them as NAME=VALUE, or name a workflow first that outputs them:",
    "What could be asked for with outputs=[...]:": "What could be asked for with --want:",
    "ask for it with outputs=[...]:": "ask for it with --want:",
    "(`await Discomfort.create()` and a run or a plan), or pass object_info=, which is what its "
    "address /object_info answers.": "(`discomfort check WORKFLOW` does).",
    "is for randomize_seeds=True. To": "is for --randomize-seeds. To",
    "give its input a value in inputs, as 'KSampler.seed'.": "say KSampler.seed=NUMBER.",
    "Pass a larger timeout=, ": "Say a larger --timeout, ",
    "the time given by timeout= is over": "the time given by --timeout is over",
    "shutdown() or kill_api() ends it at once": "`discomfort workers stop` ends it at once",
    "since api_nodes=False. Take these nodes out, or leave out api_nodes=False": (
        "since --no-api-nodes says so. Take these nodes out, or leave out --no-api-nodes"
    ),
    "Give pathlib.Path(...) in inputs: the script opens the file.": "Give a file: NAME=@FILE.",
    "Write a whole number; round() makes one.": "Write a whole number.",
    "Write True or False.": "Write true or false.",
    "url= is a ComfyUI that runs already: cuda_device=, output_directory=, start_timeout= and "
    "keep_warm= are for one that is started. Leave them out, or leave url= out to start a "
    "worker.": (
        "--url is a ComfyUI that runs already: --device, --start-timeout and --keep-warm are for "
        "one that is started. Leave them out, or leave --url out to start one."
    ),
    "start_timeout=": "--start-timeout",
    "cuda_device=": "--device ",
    "(keep_warm=, ": "(--keep-warm, ",
    "keep_warm=0 starts": "--keep-warm 0 starts",
    "Nothing is downloaded yet: fetch_models(workflow, confirm=True) does it.": (
        "Nothing is downloaded yet: `discomfort fetch WORKFLOW` does it, after asking."
    ),
    "pass allow_pickle=True": "say --allow-pickle",
    "pass allow_private=True": "say --allow-private",
    "What outputs= can ask for": "What --want can ask for",
    "Start it, or leave out url= (ATTACH_URL).": "Start it, or leave out --url (ATTACH_URL).",
    "give url= the port that ComfyUI itself listens on.": (
        "give --url the port that ComfyUI itself listens on."
    ),
}
# What is no news in a shell: the command copies these files itself.
NO_NEWS = ("Nodes saved files in ",)


def in_shell_words(text: str) -> str:
    """The text, with what a shell's user would type in place of Python's calls."""
    for said, typed in _PHRASES.items():
        text = text.replace(said, typed)
    return text


def phrases() -> tuple[str, ...]:
    """What is looked for, as the library says it."""
    return (*_PHRASES, *NO_NEWS)
