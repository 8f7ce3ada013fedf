"""What a workflow is as a function: its signature and words, without a server."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args

import pytest
from custom_nodes import discomfort
from custom_nodes.discomfort.errors import MissingInputError
from custom_nodes.discomfort.workflow_functions.function_results import FunctionResults
from custom_nodes.discomfort.workflow_functions.given import check_missing, to_names
from custom_nodes.discomfort.workflow_functions.read_shape import read_shape
from custom_nodes.discomfort.workflow_functions.shape import Shape
from custom_nodes.discomfort.workflow_functions.signature import signature_of
from custom_nodes.discomfort.workflow_functions.words import describe_shape
from support.all_ports import INFO, blend
from support.prompts import port

EVIL = '\x1b[2J\u202e\n"""\'\\'


def shape_of(*workflows: Any) -> Shape:
    return read_shape([discomfort.inspect(w, object_info=INFO) for w in workflows])


def signature(*workflows: Any) -> inspect.Signature:
    return signature_of(shape_of(*workflows), None)


def test_the_signature_has_types_and_what_the_file_has():
    parameters = signature(blend()).parameters
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert list(parameters)[:3] == ["picture", "either", "model"], "what needs a value comes first"
    found = {
        name: (p.annotation, None if p.default is p.empty else p.default)
        for name, p in parameters.items()
    }
    assert repr(found.pop("picture")) == "(IMAGE, None)"
    assert repr(found.pop("model")) == "(MODEL, None)"
    assert repr(found.pop("either")) == "(INT,FLOAT, None)"
    assert found == {
        "mode": (Literal["normal", "overlay"], "normal"),
        "amount": (float, 0.5),
        "file": (str, "a.safetensors"),
        "text": (str, "a cat"),
        "flag": (bool, True),
    }


def test_ten_thousand_choices_are_text_in_a_signature():
    for count, is_named in ((20, True), (21, False), (10_000, False)):
        choices = [f"choice {i}" for i in range(count)]
        inputs = {"input": {"required": {"mode": [choices, {}]}}}
        info = {**INFO, "Blend": {**INFO["Blend"], **inputs}}
        prompt = {"1": port("mode"), "2": {"class_type": "Blend", "inputs": {"mode": ["1", 0]}}}
        shape = read_shape([discomfort.inspect(prompt, object_info=info)])
        annotation = signature_of(shape, None).parameters["mode"].annotation
        assert len(get_args(annotation)) == (count if is_named else 0)
        assert f"({count} in all)" in describe_shape(shape)


def test_words_have_types_values_ranges_choices_tags_and_names():
    lines = describe_shape(shape_of(blend())).splitlines()
    assert "    picture: IMAGE, needs a value" in lines
    assert "    amount: FLOAT = 0.5, 0 to 1" in lines
    assert "    mode: COMBO = 'normal', one of 'normal', 'overlay' [look, first]" in lines
    assert "    made_image: a list of IMAGE; named 'made image' in the workflow" in lines


def test_words_hold_nothing_that_a_terminal_obeys():
    prompt = {
        "1": port(EVIL),
        "2": {"class_type": "Whole", "inputs": {"value": ["1", 0]}},
        "3": port(f"out {EVIL}", ["2", 0]),
    }
    text = describe_shape(shape_of(prompt))
    assert all(line.isprintable() for line in text.splitlines())
    assert "named" in text and len(text.splitlines()) < 12


def test_without_ports_it_gives_what_nodes_show():
    prompt = {
        "1": {"class_type": "Blend", "inputs": {}},
        "2": {
            "class_type": "PreviewImage",
            "inputs": {"images": ["1", 0]},
            "_meta": {"title": "My result"},
        },
    }
    (result,) = shape_of(prompt).results
    assert (result.name, result.identifier) == ("My result", "My_result")
    assert (result.type, result.is_list) == ("IMAGE", True)
    twice = shape_of(prompt, {**prompt, "2": {**prompt["2"], "inputs": {"images": ["1", 0]}}})
    assert [r.name for r in twice.results] == ["My result"], "one file's name is one owner"


def test_several_workflows_are_one_function():
    make = {
        "1": port("start"),
        "2": {"class_type": "Whole", "inputs": {"value": ["1", 0]}},
        "3": port("number", ["2", 0]),
    }
    use = {
        "1": port("number"),
        "2": {"class_type": "Whole", "inputs": {"value": ["1", 0]}},
        "3": port("more"),
        "4": {"class_type": "Whole", "inputs": {"value": ["3", 0]}},
        "5": port("end", ["4", 0]),
    }
    shape = shape_of(make, use)
    assert [p.name for p in shape.parameters] == ["start", "more"], "number is made"
    assert [r.name for r in shape.results] == ["number", "end"]
    assert [p.name for p in shape_of(use, make).parameters] == ["number", "more", "start"]


def test_a_workflow_that_lacks_a_pack_tells_what_it_can():
    prompt = {"9": {"class_type": "NotThere", "inputs": {}}, "1": port("number")}
    shape = shape_of({**prompt, "2": {"class_type": "Whole", "inputs": {"value": ["1", 0]}}})
    assert [p.name for p in shape.parameters] == ["number"]
    assert "Problem: " in describe_shape(shape) and "NotThere" in describe_shape(shape)


def test_markers_of_other_tools_are_parameters():
    prompt = {"1": {"class_type": "Whole", "inputs": {"value": 4}, "_meta": {"title": "$n.value"}}}
    (parameter,) = shape_of(prompt).parameters
    assert (parameter.name, parameter.default, parameter.limits.maximum) == ("n", 4, 9)


def never(_: str) -> bool:
    return False


def test_names_and_identifiers_are_taken_and_a_name_wins():
    prompt: dict[str, Any] = {}
    for number, name in enumerate(["a b", "a_b", "1st"]):
        prompt[f"{number}"] = port(name)
        prompt[f"{number}0"] = {"class_type": "Whole", "inputs": {"value": [f"{number}", 0]}}
    shape = shape_of(prompt)
    names = {p.name: p.identifier for p in shape.parameters}
    assert names == {"a b": "a_b_", "a_b": "a_b", "1st": "_1st"}
    assert to_names(shape, {"a_b": 1, "a_b_": 2, "_1st": 3}, never) == {
        "a_b": 1,
        "a b": 2,
        "1st": 3,
    }
    assert to_names(shape, {"a b": 1}, never) == {"a b": 1}
    with pytest.raises(TypeError, match="given 'a b' twice"):
        to_names(shape, {"a b": 1, "a_b_": 2}, never)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("pictur", "Did you mean 'picture'"),
        ("Mode", "Did you mean 'mode'"),
        ("PICTURE", "Did you mean 'picture'"),
        ("zzz", "There are: picture, either, "),
        (EVIL, "There are: picture, either, "),
        ("\ud800", "There are: picture"),
    ],
)
def test_an_unknown_name_is_refused_with_the_closest(given, words):
    with pytest.raises(TypeError, match="has no input") as caught:
        to_names(shape_of(blend()), {given: 1}, never)
    assert words in str(caught.value) and str(caught.value).isprintable()


def test_all_that_is_missing_is_told_at_once():
    shape = shape_of(blend())
    with pytest.raises(MissingInputError) as caught:
        check_missing(shape, {"mode"}, ())
    assert len(caught.value.problems) == 3 and "picture (IMAGE)" in str(caught.value)
    check_missing(shape, {"picture", "either"}, {"model"})


def test_results_are_a_dict_with_attributes():
    values = {"picture": 1, "a b": 2, "items": 3, "class": 4}
    results = FunctionResults(values, {"Save": []})
    assert results == values and dict(**results) == values and list(results) == list(values)
    assert (results.picture, results.a_b, results.items_, results.class_) == (1, 2, 3, 4)
    assert {"picture", "a_b", "items_"} <= set(dir(results))
    assert results.copy().a_b == 2 and results.files == {"Save": []}
    with pytest.raises(AttributeError, match="Did you mean 'picture'"):
        _ = results.pictur
    assert not hasattr(results, "_repr_html_") or "_repr_html_" in dir(type(results))
    del results["picture"]
    assert not hasattr(results, "picture") and "picture" not in dir(results)


def test_results_copy_and_pickle_as_a_dict_does():
    import copy
    import pickle

    results = FunctionResults({"a b": [1]}, {})
    deep = copy.deepcopy(results)
    assert deep == results and deep.a_b is not results.a_b
    assert type(pickle.loads(pickle.dumps(results))) is dict
