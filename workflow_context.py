"""WorkflowContext: the data store of one run. The front door of `context/` and `store/`.

Values live in shared memory, so that a worker reads them without a copy, and on disk where memory
is short.
"""

from __future__ import annotations

import functools
import uuid
from pathlib import Path
from typing import Any

from .context import lifetime, pickle_files, usage
from .context.context_store import ContextStore, check_unique_id
from .context.references import write_reference
from .graph.compose.frozen_payload import is_reference
from .records.history import History
from .records.live_report import report_history
from .records.value_table import show_stored
from .store import capacity, run_dir
from .store.encoding import codec
from .system.config import ContextConfig, load_config
from .system.files import check_free

__all__ = ["WorkflowContext"]

_PASS_BY = ("val", "ref")
_SHOWN_KEYS = 5


class WorkflowContext:
    """A key -> value store that several threads and processes may use at once.

    The process that creates a context owns it: when it closes the context, all memory and files are
    freed, and when it is killed, the next start does that. A durable context stays on disk until it
    is deleted.

    Args:
        config_path: a workflow_context.json of your own.
        max_ram_gb: the limit of shared memory; wins over the file. 0: everything on disk.
        run_id: a name, to open it elsewhere. None: a new one.
        create: False opens what exists.
        trusted: False refuses to load values that need code to be read (only builtins, numpy, torch
            and images don't).
        durable: kept on disk under the user's data folder; reopened by `run_id`.

    Raises:
        ContextNotFound (a FileNotFoundError): `create=False`, and there is none.
        ConfigError, ValueError: a bad file, or a run_id that can't name a folder.
    """

    def __init__(
        self,
        config_path: str | Path | None = None,
        max_ram_gb: float | None = None,
        run_id: str | None = None,
        create: bool = True,
        *,
        trusted: bool = True,
        durable: bool = False,
    ):
        config = load_config(ContextConfig, "workflow_context.json", config_path)
        self.run_id = run_dir.check_run_id(run_id if run_id is not None else uuid.uuid4().hex)
        if durable and run_id is None:
            raise ValueError("A durable context needs a run_id: the name to reopen it by.")
        if not create and run_id is None:
            raise ValueError("create=False joins a context that is there: pass its run_id.")
        limit = capacity.ram_limit(config, max_ram_gb)
        self.trusted, self.durable = trusted, durable
        contexts = (
            run_dir.durable_dir() if durable else run_dir.contexts_dir(config.CONTEXTS_DIR_NAME)
        )
        self._lifetime = lifetime.Lifetime(contexts, self.run_id, limit, create, durable)
        self.folder = self._lifetime.folder
        # What runs, references and nodes do with a context; no part of what users call.
        self.internal = ContextStore(self._lifetime, trusted)
        self.is_recorded = config.RECORD_RUNS

    # -- values ---------------------------------------------------------------------------------

    def save(self, unique_id: str, data: Any, use_ram: bool = True, pass_by: str = "val") -> None:
        """Store a value under a key. What was there before is replaced only when the new one is
        whole.

        A path stays a path; a run of this process opens it for an IMAGE, MASK, AUDIO or VIDEO port.

        Args:
            use_ram: False: on disk at once.
            pass_by: "val", or "ref" for the workflow that makes the value.

        Raises:
            StoreFullError (an OSError): neither RAM nor disk has room; the previous value is kept.
            TypeError: the value can't be stored, or is no workflow where `pass_by` is "ref".
            ValueError: an empty unique_id, another `pass_by`, or what a run with this context had
                as the address of a node's input: that acts in one call only, in `inputs`.
        """
        check_unique_id(unique_id)
        self.internal.check_no_address(unique_id)
        if pass_by not in _PASS_BY:
            raise ValueError(f'pass_by must be "val" or "ref", not {pass_by!r}.')
        if pass_by == "val":
            self.internal.save_given(unique_id, data, use_ram)
            return
        if not is_reference(data):
            raise TypeError(
                f'{unique_id!r}: pass_by="ref" stores the workflow or prompt that makes a value, '
                f"not {type(data).__name__}. To store the value itself, leave pass_by out."
            )
        self.internal.save_reference(unique_id, data, use_ram)

    def load(self, unique_id: str) -> Any:
        """The value stored under a key. Changing it changes nothing in the store.

        A reference gives its workflow, with the values that are frozen into it: it can be saved
        into another context, or to a file.

        Raises:
            UnknownKeyError (a KeyError): there is none.
            UntrustedValueError: it needs code to be read, and `trusted` is False.
            CorruptValueError: it is damaged.
        """
        check_unique_id(unique_id)
        return self.internal.load(unique_id)

    def get_storage_info(self, unique_id: str) -> dict[str, Any] | None:
        """Where and how a value is stored: storage_type, size (bytes), pass_by, shm_name or
        path. A reference has its recipe, too: equal for references that make the same value; None
        as long as no run made or used it."""
        check_unique_id(unique_id)
        return usage.storage_info(self.internal.store, unique_id)

    def list_keys(self) -> list[str]:
        """The unique_ids that have a value."""
        return self.internal.list_keys()

    def get_usage(self) -> dict[str, Any]:
        """RAM and disk that the stored values take, and the limit of RAM."""
        return usage.usage(self.internal.store)

    def export_data(
        self, unique_id: str, destination_path: str | Path, overwrite: bool = False
    ) -> None:
        """Write a value to a standard .pkl file and remove it from the context.

        Raises:
            KeyError: nothing is stored under that key.
            TypeError: it is a reference: a workflow, not a value.
            FileExistsError: the file is there, and `overwrite` is False.
        """
        check_unique_id(unique_id)
        if self.internal.get_receipt(unique_id).pass_by == "ref":
            raise TypeError(
                f"{unique_id!r} is stored by reference: it has no value to export. "
                "export_reference() writes the workflow that makes it."
            )
        path = Path(destination_path)
        check_free(path, overwrite)
        pickle_files.write_pickle(self.load(unique_id), path, overwrite)
        self.internal.store.remove(unique_id)

    def import_data(self, path: str | Path, unique_id: str, use_ram: bool = True) -> None:
        """Read a .pkl file, as `export_data` wrote it, and store its value under a key.

        Raises:
            FileNotFoundError: no such file.
            UntrustedValueError: reading it would run code, and `trusted` is False.
            CorruptValueError: it is no pickle, or incomplete.
        """
        check_unique_id(unique_id)
        # Not as what this script gives: no run opens a path that came out of a file.
        value = pickle_files.read_pickle(Path(path), self.trusted)
        self.internal.save(unique_id, value, use_ram)

    def export_reference(
        self, unique_id: str, destination_path: str | Path, overwrite: bool = False
    ) -> None:
        """Write a reference to a JSON file, with the values that are frozen into it.

        The file is a workflow that opens in the editor and that `run` takes. The reference stays
        in the context.

        Raises:
            KeyError: nothing is stored under that key.
            TypeError: it is a value, not a reference.
            FileExistsError: the file is there, and `overwrite` is False.
        """
        check_unique_id(unique_id)
        if self.internal.get_receipt(unique_id).pass_by != "ref":
            raise TypeError(
                f"{unique_id!r} is stored by value. export_data() writes it to a pickle file."
            )
        path = Path(destination_path)
        check_free(path, overwrite)
        write_reference(self.load(unique_id), path, overwrite)

    def import_reference(self, path: str | Path, unique_id: str) -> None:
        """Store the workflow in a JSON file as a reference, with the values frozen into it.

        No code is run to read it, wherever it comes from.

        Raises:
            FileNotFoundError: no such file.
            CorruptValueError: it is no workflow that makes one value, or a frozen value in it is
                damaged or missing.
            UntrustedValueError: a frozen value needs code to be read.
        """
        check_unique_id(unique_id)
        workflow = self.internal.references.read_file(Path(path))
        self.save(unique_id, workflow, pass_by="ref")

    def report(self, path: str | Path) -> Path:
        """Write what the runs on this context did as one HTML file that opens anywhere.

        Iterations are rows, ports are columns; numbers, texts and times of the newest iterations
        are always there. Of pictures, those that the context still holds; `record=True` of
        `Discomfort.create` and `run` keeps a small one of each iteration.

        Returns:
            The file.
        """
        return report_history(self.history, self.internal.find_value, path)

    @staticmethod
    def measure(value: Any) -> int:
        """How many bytes `save` would take for a value. Nothing is stored.

        Raises:
            TypeError: the value can't be stored.
        """
        try:
            return codec.encode(value).total_bytes
        except Exception as e:
            raise TypeError(f"A value of type {type(value).__name__} can't be stored: {e}") from e

    @functools.cached_property
    def history(self) -> History:
        """What the runs on this context did; `report` shows it."""
        return History()

    def __repr__(self) -> str:
        if self.is_closed:
            return f"<WorkflowContext {self.run_id}, closed>"
        keys = sorted(self.list_keys())
        shown = ", ".join(keys[:_SHOWN_KEYS]) + (", ..." if len(keys) > _SHOWN_KEYS else "")
        return f"<WorkflowContext {self.run_id}: {len(keys)} keys ({shown}), in {self.folder}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: keys, with small pictures of what needs no code to be read."""
        if self.is_closed:
            return show_stored(f"Context {self.run_id}, closed", (), self.internal.read)
        used = self.get_usage()
        title = f"Context {self.run_id}: {used['ram_usage_bytes'] / 2**20:.1f} MiB in memory"
        if used["temp_disk_usage_bytes"]:
            title += f", {used['temp_disk_usage_mb']:.1f} MiB on disk"
        receipts = [self.internal.store.known(key) for key in self.list_keys()]
        return show_stored(title, filter(None, receipts), self.internal.read)

    # -- its end --------------------------------------------------------------------------------

    @property
    def is_closed(self) -> bool:
        return self._lifetime.is_closed

    def shutdown(self) -> None:
        """Free every block and file of an own temporary context; leave others and durable ones.
        Idempotent."""
        if "history" in vars(self):
            self.history.close()  # it may still draw what is stored here
        self._lifetime.close()

    def __enter__(self) -> WorkflowContext:
        return self

    def __exit__(self, *_: Any) -> None:
        self.shutdown()

    @classmethod
    def delete_durable(cls, run_id: str) -> None:
        """Remove a durable context with all its values; FileNotFoundError when there is none."""
        lifetime.delete_durable(run_id)
