"""What ComfyUI keeps for the next run: the references that were used last, as memory allows.

ComfyUI drops what the next prompt does not have. So the recipes that were used last are in every
prompt, unconnected. All decisions about that are here; `registry.py` remembers, `model_room.py`
acts.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ..errors import NodeFailed
from ..graph.plan.recipe import Recipe, make_recipe
from ..graph.prompt import Prompt, PromptNode, Source, link_source

# How many recipes stay, and apart from them how many nodes at their beginnings: loaders, which cost
# the most. A loop over prompt texts makes many recipes over few loaders.
PINNED_RECIPES = 12
PINNED_LOADERS = 12
MODEL_SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pt2", ".pth", ".bin", ".gguf")
# A model takes more than its file while it is loaded, and where its numbers are made wider.
_NEED_PER_BYTE = 2.0
_MEMORY_ERRORS = ("MemoryError", "OutOfMemoryError")
_MEMORY_WORDS = (
    "out of memory",
    "not enough memory",
    "can't allocate memory",
    "cannot allocate memory",
    "unable to allocate",
)


@dataclass(slots=True)
class _Pin:
    recipe: Recipe
    names: set[str] = field(default_factory=set)


class CachePins:
    """The recipes and loaders that were used last, the oldest first."""

    def __init__(self) -> None:
        self._recipes: OrderedDict[str, _Pin] = OrderedDict()
        self._loaders: OrderedDict[str, _Pin] = OrderedDict()
        self._loaded_files: set[str] = set()

    @property
    def loaded_files(self) -> set[str]:
        """The model files that the worker has loaded, as far as is known."""
        return set(self._loaded_files)

    def note_sent(self, prompt: Prompt, needed: Collection[str]) -> None:
        """A prompt was run: what it needed is loaded now, what it did not have is gone."""
        loaded = model_files({n: node for n, node in prompt.items() if n in needed})
        self._loaded_files = (self._loaded_files & model_files(prompt)) | loaded

    def begin_with(self, loaders: Iterable[PromptNode]) -> Prompt:
        """Go on keeping what the script before had loaded in this worker.

        Args:
            loaders: nodes that need no others, the oldest first.

        Returns:
            The nodes of which ComfyUI has the values, as they are in the prompts from now on.
        """
        recipes = [make_recipe({"1": node}, Source("1", 0)) for node in loaders]
        for recipe in recipes[-PINNED_LOADERS:]:
            self._loaders[recipe.id] = _Pin(recipe)
        nodes = {n: node for pin in self._loaders.values() for n, node in pin.recipe.nodes.items()}
        self._loaded_files |= model_files(nodes)
        return nodes

    def use(self, recipe: Recipe, unique_id: str) -> None:
        """A reference was made or used under that name."""
        for loader in loaders_of(recipe):
            _pin(self._loaders, loader, unique_id, PINNED_LOADERS)
        _pin(self._recipes, recipe, unique_id, PINNED_RECIPES)

    def recipes(self) -> list[Recipe]:
        """What is kept, the least recently used first."""
        return [pin.recipe for pin in (*self._loaders.values(), *self._recipes.values())]

    def drop(self, ids: Collection[str]) -> None:
        """Keep these recipes no longer."""
        for known in (self._recipes, self._loaders):
            for recipe_id in ids:
                known.pop(recipe_id, None)

    def named(self, unique_id: str) -> list[Recipe]:
        """What is kept under a name, with all that is built on its loaders."""
        pins = [*self._recipes.values(), *self._loaders.values()]
        asked = [k.recipe for k in pins if unique_id in k.names]
        loaders = {loader.id for recipe in asked for loader in loaders_of(recipe)}
        return [
            k.recipe
            for k in pins
            if k.recipe in asked or loaders & {r.id for r in loaders_of(k.recipe)}
        ]

    def not_in(self, needed: Collection[str]) -> list[str]:
        """The ids of the recipes that a prompt which needs these nodes does without."""
        return [recipe.id for recipe in self.recipes() if not recipe.nodes.keys() <= set(needed)]

    def names(self) -> list[str]:
        """The unique_ids under which something is kept."""
        pins = [*self._recipes.values(), *self._loaders.values()]
        return sorted({name for k in pins for name in k.names})

    def clear(self) -> None:
        self._recipes.clear()
        self._loaders.clear()
        self._loaded_files.clear()


def _pin(known: OrderedDict[str, _Pin], recipe: Recipe, name: str, limit: int) -> None:
    pin = known.setdefault(recipe.id, _Pin(recipe))
    pin.names.add(name)
    known.move_to_end(recipe.id)
    while len(known) > limit:
        known.popitem(last=False)


def loaders_of(recipe: Recipe) -> list[Recipe]:
    """The nodes that a recipe begins with."""
    return [
        Recipe({node_id: node}, Source(node_id, 0))
        for node_id, node in recipe.nodes.items()
        if not any(link_source(value) for value in node["inputs"].values())
    ]


def model_files(prompt: Prompt) -> set[str]:
    """The names of model files in the inputs of nodes."""
    values = [v for node in prompt.values() for v in node["inputs"].values()]
    return {v for v in values if isinstance(v, str) and v.lower().endswith(MODEL_SUFFIXES)}


def choose_dropped(
    pins: Iterable[Recipe],
    loaded_files: Collection[str],
    needed: Prompt,
    sizes: Mapping[str, int],
    free_bytes: int,
) -> list[Recipe]:
    """Which recipes are to be kept no longer, so that the models of a prompt have room.

    Args:
        warm: the least recently used first.
        held: the model files that the worker has loaded.
        needed: the nodes that the prompt runs.
        sizes: name of a model file -> its bytes.
        free_bytes: the memory that the worker could still take.
    """
    pins = list(pins)
    wanted = model_files(needed)
    cold = sum(sizes.get(name, 0) for name in wanted if name not in loaded_files)
    lacking = cold * _NEED_PER_BYTE - free_bytes
    dropped: list[Recipe] = []
    for loader in (r for r in pins if len(r.nodes) == 1):
        names = {n for n in model_files(loader.nodes) if n in loaded_files and n not in wanted}
        freed = sum(sizes.get(name, 0) for name in names)
        if not cold or lacking <= 0 or not freed or loader in dropped:
            continue
        lacking -= freed
        dropped += [r for r in pins if names & model_files(r.nodes) and r not in dropped]
    return dropped


def is_out_of_memory(error: NodeFailed) -> bool:
    """Whether a node failed for lack of memory, of the machine or of the GPU."""
    kind, text = error.exception_type or "", (error.exception_message or "").lower()
    return kind.endswith(_MEMORY_ERRORS) or any(words in text for words in _MEMORY_WORDS)
