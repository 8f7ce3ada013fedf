"""What the key of a step needs to know of the world, as plain data: effects find it out.

`questions.py` says for one step what has to be found out, `make_key.py` makes the key of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple


class Place(Enum):
    """Where a name is looked for. What is found may be a folder: then all files below it count.

    SERVER: in the input folder, or in that of the annotation ("a.png [output]"), and in every
        folder of models, as folder_paths.py of ComfyUI finds it.
    PATH: an absolute path ("~" is the user's home), or one from the folder that ComfyUI runs in.
    STEM: model files, in whatever sub-folder, called this, a dot, and any ending.
    EMBEDDING: in the folders of embeddings and all below them, also with the endings that are left
        out (comfy/sd1_clip.py `load_embed`).
    """

    SERVER = "server"
    PATH = "path"
    STEM = "stem"
    EMBEDDING = "embedding"


class NamedFile(NamedTuple):
    """What may be the name of a file, as it stands in the prompt."""

    name: str
    place: Place


class FileStamp(NamedTuple):
    """How a file that changed is known without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int


class Answer(NamedTuple):
    """What a node says of whether it has changed: IS_CHANGED or `fingerprint_inputs`.

    Attributes:
        said: what it answered, as text; empty if its class is not asked.
        never: why no answer of it will ever equal this one; empty if one may.
    """

    said: str = ""
    never: str = ""


class ClassFacts(NamedTuple):
    """What is known of a node class.

    Attributes:
        digest: of its pack's files, as they were when the worker loaded them; None: not known.
        is_idempotent: False: it says NOT_IDEMPOTENT.
        reads_unseen: a rule says that it reads what neither inputs nor answers tell.
    """

    digest: str | None
    is_idempotent: bool = True
    reads_unseen: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of one step; there may be more than it needs.

    Attributes:
        values: the key under which a loader finds its value -> a digest of the value's content,
            type, shape and list-ness; for frozen values their content is that digest.
        answers: node id -> what it says.
        files: what may be a file -> all that are found under that name, in the order in which they
            are looked for; empty: none.
        classes: class_type -> its facts.
        server: JSON: the versions of ComfyUI, this package, torch and what is installed beside, the
            arguments that count, the kind of device. No secret belongs here, nor does an API key.
        kept: the unique_id of each OUTPUT that is kept -> how: by value, or by reference with the
            id of its recipe.
        undated: (node id, input) -> its text with `%date:...%` as it was written.
        workflow: what nodes that ask for EXTRA_PNGINFO get; JSON.
    """

    values: Mapping[str, str]
    answers: Mapping[str, Answer]
    files: Mapping[NamedFile, tuple[FileStamp, ...]]
    classes: Mapping[str, ClassFacts]
    server: Mapping[str, Any]
    kept: Mapping[str, str]
    undated: Mapping[tuple[str, str], str] = field(default_factory=dict)
    workflow: Any = None
