"""What the server keeps of a run beside its prompt: whose it takes, how long, what nodes see."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest
from custom_nodes.discomfort.worker.launch import run_data
from custom_nodes.discomfort.worker.launch.run_data import KEY, RunData, ShownPrompt


def body(prompt_id: Any, data: Any = None) -> dict[str, Any]:
    given = {} if data is None else {KEY: data}
    return {"prompt_id": prompt_id, "prompt": {"1": {}}, **given}


def test_it_is_taken_out_of_what_others_see_and_kept_until_the_prompt_ended():
    kept = RunData(lambda _: True)
    assert kept.take(body("a", {"order": 1})) == body("a")
    assert kept.take(body("b", {})) == body("b")
    assert kept.of("a") == {"order": 1} and kept.of("b") == {} and kept.of("c") is None
    kept.forget("a")
    kept.forget("a")
    assert kept.of("a") is None and kept.of("b") == {}


@pytest.mark.parametrize("data", [[], "text", 1, True])
def test_what_is_no_data_is_dropped(data: Any):
    kept = RunData(lambda _: True)
    assert kept.take(body("a", data)) == body("a") and kept.of("a") is None


def test_of_anybody_else_nothing_is_kept():
    kept = RunData(lambda prompt_id: prompt_id == "mine")
    for prompt_id in ("theirs", None, 5):
        assert kept.take(body(prompt_id, {"order": 1})) == body(prompt_id)
        assert kept.of(prompt_id) is None and kept.of(str(prompt_id)) is None
    kept.take(body("mine", {}))
    assert kept.of("mine") == {}


def test_prompts_that_never_run_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(run_data, "_KEPT", 3)
    kept = RunData(lambda _: True)
    for number in range(5):
        kept.take(body(str(number), {}))
    assert [kept.of(str(n)) for n in range(5)] == [None, None, {}, {}, {}]


def test_a_node_that_is_not_shown_finds_itself_and_is_in_no_file():
    shown = ShownPrompt({"1": "port"}, {"1": "loader", "ref-a": "its"})
    for each in (shown, copy.copy(shown), copy.deepcopy(shown)):
        assert each == {"1": "port"} and list(each) == ["1"] and "ref-a" not in each
        assert each["1"] == each.get("1") == "port"
        assert each["ref-a"] == each.get("ref-a") == "its"
        assert each.get("no") is None and each.get("no", 1) == 1
        with pytest.raises(KeyError):
            each["no"]
        assert json.loads(json.dumps(each)) == {"1": "port"}
    assert pickle.loads(pickle.dumps(shown)) == {"1": "port"}
