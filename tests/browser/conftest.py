"""The real front end of every real ComfyUI, and the newest one, in a real browser: the fixture
`editor`.

Playwright's objects belong to the event loop that made them, so every test in this folder runs in
the session's loop; one browser serves all tests, and one ComfyUI and page those of one version.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
import pytest_asyncio
from PIL import Image
from support.front_end import Editor, browser_or_reason, open_editor
from support.newest_front_end import NEWEST, newest_front_end
from support.servers import (
    Server,
    own_data_folder,
    plain_server,
    real_servers,
    require,
    skip_or_fail,
)

HERE = Path(__file__).resolve().parent
IS_LAST = pytest.StashKey[bool]()  # of the tests in a row that use one page
PROJECT = HERE.parents[1]

# A first visit shows the templates; tests begin where a user has closed them.
SETTINGS = {"Comfy.TutorialCompleted": True, "Comfy.Minimap.Visible": False}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and inspect.iscoroutinefunction(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(frozen=True)
class Stack:
    """A ComfyUI, with the front end that it ships or with the newest one."""

    server: Server
    is_newest: bool = False
    is_between: bool = False  # an older front end is tried, and a newer one

    @property
    def name(self) -> str:
        return f"{self.server.name}-front-end-{NEWEST}" if self.is_newest else self.server.name


def stack_params() -> list[Any]:
    """Every real ComfyUI as it is; the first of them with the newest front end, too."""
    found = real_servers() or [Server("real", Path("no ComfyUI found"))]
    stacks = [Stack(found[0], is_between=len(found) > 1), *map(Stack, found[1:])]
    stacks.append(Stack(found[0], is_newest=True))
    return [pytest.param(stack, id=stack.name) for stack in stacks]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Any]:
    """A headless Chromium."""
    async with contextlib.AsyncExitStack() as stack:
        found, reason = await browser_or_reason(stack)
        if found is None:
            skip_or_fail(reason)
        yield found


@pytest.fixture(scope="session", params=stack_params())
def stack(request: pytest.FixtureRequest) -> Stack:
    """Every real ComfyUI with its front end in turn."""
    require(request.param.server)
    return request.param


@pytest.fixture(scope="session")
def comfyui(stack: Stack) -> Server:
    """The ComfyUI of the editor."""
    return stack.server


@pytest.fixture(scope="session")
def editor_server(
    stack: Stack, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """A ComfyUI with this extension as a user starts it: its address and its folder."""
    base = tmp_path_factory.mktemp(stack.name)
    arguments = ["--cpu"]
    if stack.is_newest:
        arguments += ["--front-end-root", str(newest_front_end())]
    settings = base / "user" / "default" / "comfy.settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps(SETTINGS), encoding="utf-8")
    save_files(base)
    with pytest.MonkeyPatch.context() as patch:
        own_data_folder(patch, base / "data")  # a test writes what it wants to see in the editor
        with plain_server(stack.server, base, with_extension=True, arguments=arguments) as (
            address,
            _,
        ):
            yield address, base


def save_files(base: Path) -> None:
    """What the user has saved: workflows, and a picture."""
    folder = base / "user" / "default" / "workflows"
    folder.mkdir()
    for name in ("loop_text.json", "type_image.json", "load_model.json"):
        shutil.copy(PROJECT / "test_workflows" / name, folder)
    shutil.copy(HERE / "sleep.json", folder)
    (base / "input").mkdir()
    y, x = numpy.mgrid[0:192, 0:256]
    pixels = numpy.stack([x, y * 4 // 3, 255 - x], axis=-1).astype(numpy.uint8)
    Image.fromarray(pixels).save(base / "input" / "gradient.png")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def editor_page(browser: Any, editor_server: tuple[str, Path]) -> AsyncIterator[Editor]:
    address, base = editor_server
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    made = await open_editor(context, address, base)
    yield made
    await context.close()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Note whether the next test needs the page as well."""
    item.stash[IS_LAST] = _stack_of(nextitem) != _stack_of(item)


def _stack_of(item: pytest.Item | None) -> Stack | None:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("stack") if callspec is not None else None


@pytest_asyncio.fixture(loop_scope="session")
async def editor(editor_page: Editor, request: pytest.FixtureRequest) -> AsyncIterator[Editor]:
    """The editor with a blank workflow; fails a test in which one of our files complained.

    A page that draws takes a quarter of a core from the tests of other groups: after the last one
    of its own it is left. A test that needs it later opens it again.
    """
    if editor_page.is_left:
        await editor_page.come_back()
    await editor_page.start_blank()
    yield editor_page
    problems = list(editor_page.problems)
    if request.node.stash[IS_LAST]:
        await editor_page.leave()
    assert problems == []


@pytest_asyncio.fixture(loop_scope="session", params=["classic", "vue"])
async def drawn(request: pytest.FixtureRequest, editor: Editor) -> AsyncIterator[Editor]:
    """The editor with each of its two renderers."""
    if request.param == "classic":
        yield editor
        return
    if not await editor.has_vue:
        pytest.skip("this front end draws nodes on the canvas only")
    async with editor.vue():
        yield editor
