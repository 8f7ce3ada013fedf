"""Makes contexts where files can hold nothing, and where no more files may be open; says how that
was refused, and whether it works again.
"""

from __future__ import annotations

import errno
import os
import resource
import signal

import support.package  # noqa: F401
from custom_nodes.discomfort.store import run_dir
from custom_nodes.discomfort.workflow_context import WorkflowContext


def make(name: str, **options: object) -> str:
    try:
        with WorkflowContext(**options) as context:  # type: ignore[arg-type]
            context.save("a", 1)
    except Exception as e:
        return f"{name}: {type(e).__name__}: {e}"
    return f"{name}: made"


def main() -> None:
    make("first")  # all modules are imported
    os.umask(0o077)
    orphan = run_dir.durable_dir() / "kept" / "values" / "of_lost_receipts"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"a value")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    kinds = {"temporary": {}, "durable": {"run_id": "kept", "durable": True}}
    for name, options in kinds.items():
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, most))
        lines = [make(f"{name} without room", **options)]
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        opened = []
        soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, most))
        try:
            while True:
                opened.append(os.open(os.devnull, os.O_RDONLY))
        except OSError as e:
            assert e.errno == errno.EMFILE
        os.close(opened.pop())  # for the settings, which are read first
        lines.append(make(f"{name} without files", **options))
        for fd in opened:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, most))
        print(*lines, make(f"{name} again", **options), sep="\n")
    print(f"value: {orphan.read_bytes().decode()}")
    WorkflowContext.delete_durable("kept")


if __name__ == "__main__":
    main()
