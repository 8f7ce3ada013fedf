"""The values in a prompt that a server does not list."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.needs.files import (
    carried_models,
    find_api_nodes,
    find_unlisted,
    missing_inputs,
    missing_models,
    odd_choices,
)
from custom_nodes.discomfort.graph.needs.model_sources import model_sources, source_of
from custom_nodes.discomfort.graph.needs.nearest import nearest_name
from custom_nodes.discomfort.graph.needs.packs import UnknownNode
from custom_nodes.discomfort.graph.needs.values import Kind, ModelSource, Place
from custom_nodes.discomfort.graph.node_classes.object_info import index_object_info


def definition(module="nodes", output_node=False, **inputs):
    found = {"input": {"required": inputs}, "output": ["X"], "output_node": output_node}
    return {**found, "python_module": module}


INFO = index_object_info(
    {
        "CheckpointLoaderSimple": definition(ckpt_name=[["a.safetensors", "XL/b.safetensors"]]),
        "VAELoader": definition(vae_name=["COMBO", {"options": []}]),
        "LoraLoader": definition(lora_name=[["one.safetensors"]]),
        "LoadImage": definition(image=[["example.png"], {"image_upload": True}]),
        "KSampler": definition(sampler_name=[["euler", "dpmpp_2m"]]),
        "Power Lora Loader (rgthree)": definition("custom_nodes.rgthree-comfy"),
        "PackLoader": definition("custom_nodes.pack", what=[["x.safetensors", "z.gguf"]]),
        "PackChoice": definition("custom_nodes.pack", style=[["plain", "bold"]]),
        "Remote": definition(name=["COMBO", {"options": [], "remote": {"route": "/x"}}]),
        "CustomCombo": definition("comfy_extras.nodes_logic", choice=["COMBO", {"options": []}]),
        "Multi": definition(files=["COMBO", {"options": ["a.png"], "multi_select": True}]),
        "Paid": {
            **definition("comfy_api_nodes.x"),
            "api_node": True,
            "input": {"hidden": {"key": ["API_KEY_COMFY_ORG"]}},
        },
        "Dynamic": definition(
            "comfy_extras.x",
            model=["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "small", "inputs": {
                "required": {"file": ["COMBO", {"options": ["s.safetensors"]}]}}}]}],
        ),
        "Save": definition(output_node=True, images=["X"]),
    }
)  # fmt: skip


def unlisted(**nodes):
    """`name=(class, inputs)`; all are fed to an output node."""
    prompt = {name: {"class_type": c, "inputs": i} for name, (c, i) in nodes.items()}
    inputs = {f"images{i}": [name, 0] for i, name in enumerate(nodes)}
    prompt["end"] = {"class_type": "Save", "inputs": inputs}
    return find_unlisted(prompt, INFO, "w.json")


def names(found):
    return [(n.kind, n.name) for n in found]


def test_what_the_server_lists_is_there():
    found = unlisted(
        a=("CheckpointLoaderSimple", {"ckpt_name": "XL/b.safetensors"}),
        b=("KSampler", {"sampler_name": "euler"}),
        c=("Remote", {"name": "whatever.safetensors"}),
        d=("CustomCombo", {"choice": "mine"}),
        e=("LoadImage", {"image": "example.png"}),
    )
    assert found == []


def test_linked_inputs_are_no_values():
    assert unlisted(a=("VAELoader", {"vae_name": ["b", 0]}), b=("Paid", {})) == []


def test_every_kind_of_value_that_is_not_there_is_found():
    found = unlisted(
        a=("CheckpointLoaderSimple", {"ckpt_name": "c.ckpt"}),
        b=("VAELoader", {"vae_name": "ae.safetensors"}),
        c=("LoadImage", {"image": "mine.png"}),
        d=("KSampler", {"sampler_name": "eulr"}),
        e=("PackLoader", {"what": "y.safetensors"}),
        f=("Multi", {"files": {"__value__": ["a.png", "b.png"]}}),
        g=("Dynamic", {"model": "small", "model.file": "t.safetensors"}),
        h=("Dynamic", {"model": "large"}),
        i=("PackChoice", {"style": "thin"}),
    )
    assert names(found) == [
        (Kind.MODEL, "c.ckpt"),
        (Kind.MODEL, "ae.safetensors"),
        (Kind.INPUT, "mine.png"),
        (Kind.CHOICE, "eulr"),
        (Kind.MODEL, "y.safetensors"),
        (Kind.INPUT, "b.png"),
        (Kind.MODEL, "t.safetensors"),
        (Kind.CHOICE, "large"),
        (Kind.CHOICE, "thin"),
    ]
    assert [n.is_sure for n in found] == [True] * 8 + [False]
    assert str(found[1].place) == "node b (VAELoader, vae_name)"


def test_rows_that_a_page_adds_name_models_too():
    on = {"on": True, "lora": "two.safetensors", "strength": 1}
    rows = {
        "lora_1": on,
        "lora_2": {**on, "on": False},
        "lora_3": {**on, "lora": "one.safetensors"},
    }
    found = unlisted(a=("Power Lora Loader (rgthree)", rows))
    assert names(found) == [(Kind.MODEL, "two.safetensors")]
    assert missing_models(found, [], {"loras": ["one.safetensors"]})[0].folder == "loras"


def test_a_node_that_no_output_needs_is_idle():
    prompt = {
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": "a.safetensors"}},
        "2": {"class_type": "VAELoader", "inputs": {"vae_name": "b.safetensors"}},
        "3": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
        "4": {"class_type": "Paid", "inputs": {}},
    }
    found = missing_models(find_unlisted(prompt, INFO), [], {})
    assert [(m.name, m.is_idle) for m in found] == [
        ("a.safetensors", True),
        ("b.safetensors", False),
    ]
    assert [p.is_idle for p in find_api_nodes(prompt, INFO)] == [True]


def test_a_node_of_an_unknown_class_may_be_an_output():
    prompt = {
        "1": {"class_type": "VAELoader", "inputs": {"vae_name": "a.safetensors"}},
        "2": {"class_type": "Nobody", "inputs": {"vae": ["1", 0]}},
        "3": {"class_type": "Save", "inputs": {}},
    }
    assert not missing_models(find_unlisted(prompt, INFO), [], {})[0].is_idle


def test_models_that_nodes_of_unknown_classes_say_they_need_are_found():
    models = [
        {"name": n, "url": f"https://h/{n}", "directory": "unet"} for n in ("a.gguf", "b.gguf")
    ]
    nodes = [
        UnknownNode(Place("1", "UnetLoaderGGUF", "GGUF"), {"cnr_id": "x", "models": models}),
        UnknownNode(Place("2", "Nobody", "Nobody"), None),
    ]
    lists = {"diffusion_models": ["b.gguf"]}
    found = carried_models(nodes, lists)
    assert names(found) == [(Kind.MODEL, "a.gguf")]
    (model,) = missing_models(
        found, model_sources({"nodes": [{"properties": nodes[0].meta}]}), lists
    )
    assert model.source and model.source.url == "https://h/a.gguf"
    assert model.folder == "diffusion_models"
    assert str(model.places[0]) == "node 1 'GGUF' (UnetLoaderGGUF)"


def test_one_model_that_several_nodes_name_is_one():
    found = unlisted(
        a=("VAELoader", {"vae_name": "ae.safetensors"}),
        b=("VAELoader", {"vae_name": "ae.safetensors"}),
    )
    (model,) = missing_models(found, [], {})
    assert model.folder == "vae" and [p.node_id for p in model.places] == ["a", "b"]


def test_folder_of_a_packs_input_is_that_whose_files_it_lists():
    found = unlisted(a=("PackLoader", {"what": "y.safetensors"}))
    lists = {"vae": ["v.safetensors"], "unet_gguf": ["x.safetensors", "z.gguf"], "loras": []}
    assert missing_models(found, [], lists)[0].folder == "unet_gguf"
    said = [ModelSource("y.safetensors", "https://a/y", "clip")]
    assert missing_models(found, said, {"text_encoders": []})[0].folder == "text_encoders"
    assert missing_models(found, [], {})[0].folder is None


def test_nearest_name_and_the_folder_of_another_kind():
    found = unlisted(
        a=("CheckpointLoaderSimple", {"ckpt_name": r"XL\b.safetensors"}),
        b=("VAELoader", {"vae_name": "ae.safetensors"}),
    )
    lists = {"checkpoints": ["a.safetensors", "XL/b.safetensors"], "loras": ["sub/ae.safetensors"]}
    first, second = missing_models(found, [], lists)
    assert (first.nearest, first.nearest_folder) == ("XL/b.safetensors", None)
    assert (second.nearest, second.nearest_folder) == ("sub/ae.safetensors", "loras")


def test_input_files_that_are_there_all_the_same_are_not_missing():
    found = unlisted(
        a=("LoadImage", {"image": "sub/x.png"}), b=("LoadImage", {"image": "y.png [output]"})
    )
    assert [m.name for m in missing_inputs(found, {"sub/x.png"})] == ["y.png [output]"]


def test_a_choice_has_its_nearest():
    (choice,) = odd_choices(unlisted(d=("KSampler", {"sampler_name": "eulr"})))
    assert (choice.value, choice.nearest, choice.is_sure) == ("eulr", "euler", True)


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [
        (r"XL\a.safetensors", ["XL/a.safetensors", "a.safetensors"], "XL/a.safetensors"),
        ("XL/a.safetensors", [r"XL\a.safetensors"], r"XL\a.safetensors"),
        (r"XL\a.safetensors", ["xl/a.safetensors", "XL/a.safetensors"], "XL/a.safetensors"),
        ("xl/A.safetensors", ["b", "XL/a.safetensors"], "XL/a.safetensors"),
        ("old/a.safetensors", ["new/a.safetensors", "new/b.safetensors"], "new/a.safetensors"),
        ("flux1-dev-fp8.safetensors", ["flux1_dev_fp8.safetensors"], "flux1_dev_fp8.safetensors"),
        ("a.safetensors", ["something_else.ckpt"], None),
        ("a.safetensors", [], None),
    ],
)
def test_nearest_name(name, known, nearest):
    assert nearest_name(name, known) == nearest


SHA = "ab" * 32


def test_sources_are_read_wherever_a_file_has_them():
    def entry(name, **more):
        return {"name": name, "url": f"https://h/{name}", "directory": "vae", **more}

    def node(*entries):
        return {"type": "X", "properties": {"models": list(entries)}}

    data = {
        "nodes": [node(entry("a", hash=SHA.upper(), hash_type="SHA256"), entry("a2")), {}, 5],
        "definitions": {"subgraphs": [{"nodes": [node(entry("b"))]}, "x"]},
        "extra": {"groupNodes": {"g": {"nodes": [node(entry("c", hash="zz"))]}, "h": 1}},
        "models": [entry("d", hash=SHA, hash_type="md5"), "x", {"name": 5}, {"name": "n"}],
    }
    found = model_sources(data)
    assert [s.name for s in found] == ["a", "a2", "b", "c", "d"]
    assert [s.sha256 for s in found] == [SHA, None, None, None, None]
    for odd in ({"nodes": None}, {"definitions": 1, "extra": [], "models": {}}, {"nodes": [[]]}):
        assert model_sources(odd) == []


def test_source_of_the_right_folder_and_with_a_hash_counts_first():
    sources = [
        ModelSource("a", "https://h/1", "loras"),
        ModelSource("a", "https://h/2", "vae"),
        ModelSource("a", "https://h/3", "vae", SHA),
    ]
    assert source_of("a", "vae", sources) is sources[2]
    assert source_of("sub/A", "loras", sources) is sources[0]
    assert source_of("b", "vae", sources) is None
