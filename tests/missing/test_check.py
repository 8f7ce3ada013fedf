"""What is missing, all at once, on every server; models and packs on real ones."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pytest
from custom_nodes.discomfort.comfy_serverless import ComfyConnector
from custom_nodes.discomfort.discomfort import Discomfort
from custom_nodes.discomfort.errors import (
    CHECK_HINT,
    DownloadError,
    MissingInputError,
    Problem,
    ValidationFailed,
    WorkflowError,
)
from custom_nodes.discomfort.missing.import_failures import failed_packs
from support.https_server import safetensors
from support.model_workflows import said_of, vae_workflow
from support.prompts import port
from support.servers import FAKE, Server, own_data_folder, plain_server

HINT = CHECK_HINT[:40]


@pytest.fixture
def anywhere(shared: ComfyConnector):
    """On every server, the fake one too."""
    made = Discomfort(shared)
    yield made
    made._engine.contexts.close()


def prompt_of(kind: str, title: str = "", **inputs: Any) -> dict[str, Any]:
    meta = {"title": title or kind}
    return {
        "1": {"class_type": kind, "inputs": inputs, "_meta": meta},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


def unknown_workflow(kind: str, **properties: str) -> dict[str, Any]:
    """A workflow with a node that no server has, before one that all have."""
    return {
        "nodes": [
            {"id": 1, "type": kind, "properties": {"Node name for S&R": kind, **properties},
             "title": "The one", "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
            {"id": 2, "type": "PreviewImage",
             "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"]],
    }  # fmt: skip


async def test_nothing_is_missing_where_all_is_there(anywhere):
    found = await anywhere.check(prompt_of("LoadImage", image="example.png"))
    assert found.is_ready and str(found) == "Nothing is missing."


async def test_missing_classes_are_told_with_the_command_and_the_run_says_where_to_ask(anywhere):
    workflow = unknown_workflow("NobodyHasThis", cnr_id="some-pack", ver="1.0")
    found = await anywhere.check(workflow)
    (pack,) = found.packs
    assert (pack.name, pack.version, pack.classes[0][0]) == ("some-pack", "1.0", "NobodyHasThis")
    assert pack.command.startswith("comfy ") and pack.command.endswith(" node install some-pack")
    assert not found.is_ready and found.problems == ()
    assert "some-pack 1.0: NobodyHasThis, node 1 'The one' (NobodyHasThis)" in str(found)
    with pytest.raises(WorkflowError) as error:
        await anywhere.run(workflow)
    assert str(error.value).splitlines()[-1].startswith(HINT)
    with pytest.raises(WorkflowError) as error:
        await anywhere.run(prompt_of("NobodyHasThis"))
    assert str(error.value).splitlines()[-1].startswith(HINT)


async def test_missing_classes_of_a_prompt_are_told_with_its_meta(anywhere):
    prompt = prompt_of("NobodyHasThis")
    prompt["1"]["_meta"]["aux_id"] = "owner/repo"
    (pack,) = (await anywhere.check(prompt)).packs
    assert pack.repository == "https://github.com/owner/repo"
    assert pack.command.startswith("git clone https://github.com/owner/repo ")


def test_errors_with_a_hint_pickle():
    error = WorkflowError("No:", [Problem("why")], CHECK_HINT)
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error) == f"No:\n  why\n{CHECK_HINT}"
    failure = DownloadError("no")
    failure.downloads = (1,)
    assert pickle.loads(pickle.dumps(failure)).downloads == (1,)


async def test_other_errors_have_no_such_hint(anywhere):
    with pytest.raises(MissingInputError) as error:
        await anywhere.run({"1": port("x"), "2": port("y", ["1", 0])})
    assert HINT not in str(error.value)


async def test_missing_picture_is_told_with_the_nearest_and_the_run_says_where_to_ask(anywhere):
    prompt = prompt_of("LoadImage", "Mine", image="exmaple.png")
    found = await anywhere.check(prompt)
    (file,) = found.input_files
    assert (file.name, file.nearest, file.places[0].title) == ("exmaple.png", "example.png", "Mine")
    assert not found.is_ready and "this ComfyUI has example.png" in str(found)
    with pytest.raises(ValidationFailed) as error:
        await anywhere.run(prompt)
    assert str(error.value).splitlines()[-1].startswith(HINT)


@pytest.mark.parametrize(
    "name", ["{mine}", "../input/../input/{example}", "//host/x.png", "a\0.png", "{mine} [temp]"]
)
async def test_names_that_lead_elsewhere_are_not_looked_for(anywhere, name, tmp_path):
    (tmp_path / "mine.png").write_bytes(b"")
    name = name.format(mine=tmp_path / "mine.png", example="example.png")
    (file,) = (await anywhere.check(prompt_of("LoadImage", image=name))).input_files
    assert file.name == name


async def test_an_absolute_name_in_the_input_folder_is_there(anywhere):
    name = str(Path(anywhere.Worker.folders["input"], "example.png"))
    assert (await anywhere.check(prompt_of("LoadImage", image=name))).is_ready


@pytest.fixture
def made_picture(shared):
    """A picture in a folder below ComfyUI's output folder."""
    folder = Path(shared.folders["output"], "sub")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "made.png").write_bytes(b"")
    yield "sub/made.png [output]"
    (folder / "made.png").unlink()
    folder.rmdir()


async def test_picture_in_another_folder_of_comfyuis_is_there(anywhere, made_picture):
    found = await anywhere.check(prompt_of("LoadImage", image=made_picture))
    assert found.input_files == ()


async def test_several_workflows_are_told_by_name(anywhere, tmp_path):
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(prompt_of("LoadImage", image=f"{name}.png")))
    found = await anywhere.check([tmp_path / "one.json", tmp_path / "two.json"])
    assert [f.name for f in found.input_files] == ["one.png", "two.png"]
    assert "(LoadImage, image) of one.json" in str(found)


async def test_what_a_port_is_given_counts(anywhere):
    prompt = {**prompt_of("LoadImage", image=["3", 0]), "3": port("name")}
    found = await anywhere.check(prompt, {"name": "mine.png"})
    assert [f.name for f in found.input_files] == ["mine.png"]
    with Discomfort.Context() as context:
        context.save("name", "stored.png")
        found = await anywhere.check(prompt, context=context)
        assert [f.name for f in found.input_files] == ["stored.png"]
        assert context.list_keys() == ["name"]


async def test_all_of_it_is_data_too(anywhere):
    found = await anywhere.check(unknown_workflow("NobodyHasThis", cnr_id="x"))
    data = json.loads(json.dumps(found.to_json()))
    assert data["is_ready"] is False and data["packs"][0]["name"] == "x"
    assert data["packs"][0]["classes"][0][1][0]["node_id"] == "1"
    assert found._repr_html_().startswith("<pre>")


async def test_a_strangers_words_are_shown_in_one_line_without_what_a_terminal_obeys(anywhere):
    evil = unknown_workflow("A\x1b[2J\nB", cnr_id="x\r\ny\x1b]0;z\x07", ver="1\x9b1")
    evil["nodes"][0]["title"] = "t\x1b[31m" + "y" * 1000
    text = str(await anywhere.check(evil))
    assert all(c.isprintable() or c == "\n" for c in text)
    assert max(map(len, text.splitlines())) < 1000


@pytest.mark.parametrize(
    "workflow",
    [
        {"nodes": [], "links": []},
        {"nodes": [{"id": 1, "type": "Nope"}], "links": [[1, 7, 0, 1, 0, "X"]]},
        {"nodes": [{"id": 1, "type": "workflow/gone"}], "links": []},
        {"nodes": [{"id": 1, "type": "9c7cd5b8-5a9b-4a19-8c1d-2e0c4a2b9d11"}], "links": []},
    ],
)
async def test_what_can_not_be_converted_is_told_and_does_not_raise(anywhere, workflow):
    str(await anywhere.check(workflow))


async def test_what_is_no_workflow_raises(anywhere, tmp_path):
    with pytest.raises(WorkflowError):
        await anywhere.check({"not": "one"})
    with pytest.raises(FileNotFoundError):
        await anywhere.check(tmp_path / "none.json")


async def test_internal_nodes_are_refused(anywhere):
    with pytest.raises(WorkflowError, match="DiscomfortContextLoader"):
        await anywhere.check({"1": {"class_type": "DiscomfortContextLoader", "inputs": {}}})


async def test_the_log_of_an_attached_server_is_not_known(tmp_path, monkeypatch):
    own_data_folder(monkeypatch, tmp_path / "data")
    server = Server("fake", FAKE)
    with plain_server(server, tmp_path, with_extension=True) as (url, _):
        async with await Discomfort.create(url=url) as attached:
            found = await attached.check(unknown_workflow("NobodyHasThis", cnr_id="x"))
    assert found.failed_packs is None and "that ComfyUI's own log" in str(found)
    assert str(tmp_path) in (found.packs[0].command or "")


# -- real servers ---------------------------------------------------------------------------------


async def test_models_are_told_with_folder_nearest_and_address(discomfort, base):
    (base / "checkpoints").mkdir(exist_ok=True)
    (base / "checkpoints" / "one.safetensors").write_bytes(safetensors(10))
    (base / "vae").mkdir(exist_ok=True)
    (base / "vae" / "my_vae.safetensors").write_bytes(safetensors(10))
    said = said_of("https://h.test/x", "one.safetensors", hash="ab" * 32, hash_type="SHA256")
    found = await discomfort.check(
        vae_workflow(("one.safetensors", said), ("my-vae.safetensors", {}))
    )
    first, second = found.models
    assert (first.folder, first.nearest_folder, first.nearest) == (
        "vae", "checkpoints", "one.safetensors",
    )  # fmt: skip
    assert first.source.url == "https://h.test/x" and first.source.sha256 == "ab" * 32
    assert (second.folder, second.nearest, second.source) == ("vae", "my_vae.safetensors", None)
    assert str(found).splitlines()[:4] == [
        "Models that are missing:",
        "  one.safetensors in vae, node 1 (VAELoader, vae_name)"
        if found.models[0].places[0].title == "VAELoader"
        else "  one.safetensors in vae, node 1 'Load VAE' (VAELoader, vae_name)",
        "      this ComfyUI has one.safetensors in checkpoints",
        f"      https://h.test/x (sha256 {'ab' * 32})",
    ]
    assert "fetch_models" in str(found)


async def test_a_file_that_was_put_there_is_seen_at_the_next_check(discomfort, base):
    workflow = vae_workflow(("late.safetensors", {}))
    assert not (await discomfort.check(workflow)).is_ready
    (base / "vae").mkdir(exist_ok=True)
    (base / "vae" / "late.safetensors").write_bytes(safetensors(10))
    assert (await discomfort.check(workflow)).is_ready
    index = await discomfort.Worker.object_info_index()
    await discomfort.check(workflow)
    assert await discomfort.Worker.object_info_index() is index  # nothing changed, nothing is lost


async def test_a_missing_model_in_a_run_says_where_to_ask(discomfort):
    with pytest.raises(ValidationFailed) as error:
        await discomfort.run(vae_workflow(("none.safetensors", {})))
    assert str(error.value).splitlines()[-1].startswith(HINT)


async def test_models_of_a_workflow_with_a_missing_pack_are_told_too(discomfort):
    workflow = vae_workflow(("none.safetensors", {}))
    socket = {"name": "images", "type": "IMAGE", "link": 99}
    own = {"models": [said_of("https://h.test/own", "own.gguf")]}
    node = {"id": 77, "type": "NobodyHasThis", "inputs": [socket], "properties": own}
    workflow["nodes"].append(node)
    workflow["links"].append([99, 2, 0, 77, 0, "IMAGE"])
    found = await discomfort.check(workflow)
    assert [(m.name, m.folder) for m in found.models] == [
        ("none.safetensors", "vae"),
        ("own.gguf", "vae"),
    ]
    assert [p.classes[0][0] for p in found.packs] == ["NobodyHasThis"]


async def test_models_of_nodes_are_told_where_nothing_can_be_followed(discomfort):
    """A subgraph that contains itself: no prompt can be made, and each node is still looked at."""
    inner = "9c7cd5b8-5a9b-4a19-8c1d-2e0c4a2b9d11"
    subgraph = {"id": inner, "name": "me", "inputs": [], "outputs": [], "links": [],
                "nodes": [{"id": 1, "type": inner}]}  # fmt: skip
    workflow = vae_workflow(("none.safetensors", {}), definitions={"subgraphs": [subgraph]})
    workflow["nodes"].append({"id": 78, "type": inner})
    found = await discomfort.check(workflow)
    assert [m.name for m in found.models] == ["none.safetensors"]
    assert any("contains itself" in str(problem) for problem in found.problems)


def vae_to_port(name: str, said: dict[str, Any]) -> dict[str, Any]:
    """A workflow whose one output is a VAE: a reference is made of it, and nothing is run."""
    loader = vae_workflow((name, said))["nodes"][1]
    loader["outputs"][0]["links"] = [1]
    out = {"id": 2, "type": "DiscomfortPort", "widgets_values": ["the_vae", ""],
           "inputs": [{"name": "input_data", "type": "*", "link": 1}]}  # fmt: skip
    return {"nodes": [loader, out], "links": [[1, 1, 0, 2, 0, "*"]]}


async def test_models_of_references_are_told(discomfort):
    making = vae_to_port("none.safetensors", said_of("https://h.test/n", "none.safetensors"))
    using = {
        "0": port("the_vae"),
        "1": {"class_type": "EmptyLatentImage",
              "inputs": {"width": 64, "height": 64, "batch_size": 1}},
        "2": {"class_type": "VAEDecode", "inputs": {"samples": ["1", 0], "vae": ["0", 0]}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
    }  # fmt: skip
    found = await discomfort.check(making)
    assert [m.name for m in found.models] == ["none.safetensors"]
    with Discomfort.Context() as context:
        made = await discomfort.run(making, context=context)
        for arguments in ({"context": context}, {"inputs": {"the_vae": made["the_vae"]}}):
            (model,) = (await discomfort.check(using, **arguments)).models
            assert (model.name, model.folder) == ("none.safetensors", "vae")
            assert model.source.url == "https://h.test/n"
            assert [p.where for p in model.places] == ["the reference 'the_vae'"]


async def test_a_reference_to_a_model_that_is_missing_says_so_when_it_is_made(discomfort, caplog):
    with Discomfort.Context() as context:
        await discomfort.run(vae_to_port("none.safetensors", {}), context=context)
    (record,) = [r for r in caplog.records if "none.safetensors" in r.getMessage()]
    assert record.levelname == "WARNING" and "'the_vae'" in record.getMessage()
    assert HINT in record.getMessage()


async def test_a_pack_that_did_not_load_is_told_with_the_reason(discomfort):
    found = await discomfort.check(unknown_workflow("BrokenNode", cnr_id="broken-pack"))
    (failed,) = found.failed_packs
    assert failed.name == "broken_pack" and "nobody_has_this_module" in failed.reason
    assert failed.command.endswith("broken_pack/requirements.txt")
    assert failed.command.startswith(discomfort.Worker.python or sys.executable)
    assert "it is installed, and did not load" in str(found)
    other = await discomfort.check(unknown_workflow("Another", cnr_id="another-pack"))
    assert other.failed_packs == ()
    unnamed = await discomfort.check(unknown_workflow("BrokenNode"))
    assert [f.name for f in unnamed.failed_packs] == ["broken_pack"]  # it may be that one


async def test_the_managers_map_names_a_pack_that_the_file_does_not(discomfort):
    found = await discomfort.check(unknown_workflow("OnlyTheMapKnowsThis"))
    assert (found.packs[0].name, found.packs[0].repository) == (
        "mapped", "https://github.com/example/mapped-pack",
    )  # fmt: skip
    assert found.packs[0].command.endswith(" node install mapped")


async def test_paid_nodes_are_told_and_whether_there_is_a_key(discomfort, monkeypatch):
    info = await discomfort.Worker.object_info()
    kind = next(k for k, d in info.items() if d.get("api_node") and d.get("output_node"))
    prompt = {"1": {"class_type": kind, "inputs": {}}}
    monkeypatch.delenv("COMFY_ORG_API_KEY", raising=False)
    found = await discomfort.check(prompt)
    assert [p.node_type for p in found.api_nodes] == [kind] and not found.is_ready
    assert "set COMFY_ORG_API_KEY" in str(found)
    monkeypatch.setenv("COMFY_ORG_API_KEY", "comfyui-secret")
    found = await discomfort.check(prompt)
    assert found.has_api_key and found.is_ready and "secret" not in repr(found)


def test_reasons_are_read_off_a_log():
    lines = [
        "[WARNING] Cannot import /c/custom_nodes/a module for custom nodes: No module named 'x'",
        "   0.1 seconds (IMPORT FAILED): /c/custom_nodes/a",
        "   0.2 seconds: /c/custom_nodes/fine",
        "   0.3 seconds (IMPORT FAILED): /c/custom_nodes/b c",
        "   0.3 seconds (PRESTARTUP FAILED): /c/custom_nodes/d",
    ]
    found = failed_packs(lines)
    assert [(f.name, f.reason) for f in found] == [
        ("a", "No module named 'x'"), ("b c", ""), ("d", ""),
    ]  # fmt: skip
    assert found[0].lacks_module and not found[1].lacks_module


async def test_files_given_at_addresses_and_those_of_defaults_are_looked_for(anywhere):
    prompt = prompt_of("LoadImage", image="in the file.png")
    found = await anywhere.check(prompt, {"LoadImage.image": "given.png"})
    assert [file.name for file in found.input_files] == ["given.png"]
    found = await anywhere.check(prompt)
    assert [file.name for file in found.input_files] == ["in the file.png"]
    workflow = {
        "nodes": [
            {"id": 9, "type": "DiscomfortPort", "widgets_values": ["name", ""],
             "outputs": [{"name": "output", "type": "*", "links": [1]}]},
            {"id": 1, "type": "LoadImage", "widgets_values": ["in the file.png", "image"],
             "inputs": [{"name": "image", "type": "COMBO", "link": 1, "widget": {"name": "image"}}],
             "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [2]}]},
            {"id": 2, "type": "PreviewImage",
             "inputs": [{"name": "images", "type": "IMAGE", "link": 2}]},
        ],
        "links": [[1, 9, 0, 1, 0, "COMBO"], [2, 1, 0, 2, 0, "IMAGE"]],
    }  # fmt: skip
    found = await anywhere.check(workflow)
    assert [file.name for file in found.input_files] == ["in the file.png"]
    found = await anywhere.check(workflow, {"name": "given.png"})
    assert [file.name for file in found.input_files] == ["given.png"]


async def test_an_address_that_cannot_be_used_is_a_problem(anywhere):
    found = await anywhere.check(prompt_of("LoadImage", image="a.png"), {"LoadImage.imag": "b.png"})
    assert any("it has no input 'imag'" in str(problem) for problem in found.problems)
    assert not found.is_ready
