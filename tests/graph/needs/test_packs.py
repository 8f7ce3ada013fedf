"""Missing node classes by their packs, and the commands that install these."""

from __future__ import annotations

import pytest
from custom_nodes.discomfort.graph.needs.packs import (
    PackMap,
    UnknownNode,
    install_command,
    is_of_folder,
    missing_packs,
    read_pack_map,
)
from custom_nodes.discomfort.graph.needs.values import Place


def node(node_id, kind, **said):
    return UnknownNode(Place(node_id, kind, kind), said)


def test_classes_are_told_by_pack_with_one_command_each():
    packs = missing_packs(
        [
            node("0", "Nobody"),
            node("1", "A", cnr_id="comfyui-x", ver="1.2"),
            node("2", "B", cnr_id="comfyui-x"),
            node("3", "A", cnr_id="comfyui-x"),
            node("4", "C", aux_id="owner/repo"),
            node("5", "D", cnr_id="comfy-core", ver="0.99"),
        ],
        PackMap(),
        "/c",
    )
    assert [p.name for p in packs] == ["comfyui-x", "owner/repo", "comfy-core", ""]
    first = packs[0]
    assert [(k, [p.node_id for p in at]) for k, at in first.classes] == [
        ("A", ["1", "3"]),
        ("B", ["2"]),
    ]
    assert first.version == "1.2"
    assert [p.command for p in packs] == [
        'comfy --workspace "/c" node install comfyui-x',
        'git clone https://github.com/owner/repo "/c/custom_nodes/repo"',
        None,
        None,
    ]
    assert [p.is_core for p in packs] == [False, False, True, False]


MAP = read_pack_map(
    {
        "https://github.com/o/one": [["A", "B", 5], {"title_aux": "One"}],
        "https://github.com/o/two": [["C"], {"nodename_pattern": r" \(two\)$"}],
        "https://github.com/o/bad": [["D"], {"nodename_pattern": "("}],
        "odd": "x",
        "odder": [],
    },
    {"custom_nodes": [{"id": "one-pack", "reference": "https://github.com/o/one"}, 5, {"id": 5}]},
)


def test_the_managers_map_says_what_the_file_does_not():
    packs = missing_packs([node("1", "B"), node("2", "Thing (two)"), node("3", "Z")], MAP)
    assert [(p.name, p.repository, p.command) for p in packs] == [
        ("one-pack", "https://github.com/o/one", "comfy node install one-pack"),
        (
            "two",
            "https://github.com/o/two",
            'git clone https://github.com/o/two "custom_nodes/two"',
        ),
        ("", "", None),
    ]


@pytest.mark.parametrize("odd", [None, [], 5, {"a": 1}, {"a": [[], []]}])
def test_a_map_of_another_form_says_nothing(odd):
    assert read_pack_map(odd, odd).address_of("A") is None


@pytest.mark.parametrize(
    "said",
    [
        {"cnr_id": "x; rm -rf ~"},
        {"cnr_id": "-rf"},
        {"cnr_id": "$(x)"},
        {"cnr_id": "x\ny"},
        {"aux_id": "owner/repo;x"},
        {"aux_id": "owner/../../x"},
        {"aux_id": "--upload-pack=x/y"},
        {"aux_id": 'a/b" x'},
        {"cnr_id": "x" * 200},
    ],
)
def test_what_a_stranger_calls_a_pack_never_becomes_a_part_of_a_command(said):
    (pack,) = missing_packs([node("1", "A", **said)], PackMap())
    assert pack.command is None


def test_an_odd_address_of_the_map_is_no_command():
    assert install_command("", 'https://h/x" && y', "") is None
    assert install_command("", "https://h/a/../b", "") is None
    assert install_command("", "http://h/a", "") is None


@pytest.mark.parametrize("folder", ["ComfyUI-X", "comfyui_x", "comfyui-x"])
def test_a_folder_is_that_of_its_pack(folder):
    (pack,) = missing_packs([node("1", "A", cnr_id="comfyui-x")], PackMap())
    assert is_of_folder(pack, folder) and not is_of_folder(pack, "comfyui-y")
