"""The login of a Comfy account: where it is read, and that nothing shows it."""

from __future__ import annotations

import copy
import pickle

import pytest
from custom_nodes.discomfort.errors import ConfigError
from custom_nodes.discomfort.system.config import WorkerConfig, load_config
from custom_nodes.discomfort.system.login import VARIABLE, Login, given_login, read_login

KEY = "comfyui-0123456789abcdef"


def test_the_configuration_wins_over_the_environment_and_empty_is_none():
    assert read_login(KEY, {VARIABLE: "other"}) == Login(KEY)
    assert read_login(None, {VARIABLE: f" {KEY}\n"}) == Login(KEY)
    for configured, environment in ((None, {}), ("", {}), (" ", {VARIABLE: ""})):
        assert not read_login(configured, environment)
    assert read_login("", {VARIABLE: KEY}).extra_data() == {"api_key_comfy_org": KEY}


@pytest.mark.parametrize("key", [f"{KEY}\nX-Other: 1", f"{KEY}\x00", f"{KEY}\u2026"])
def test_what_can_be_no_key_is_refused_without_being_shown(key):
    for configured, environment in ((key, {}), (None, {VARIABLE: key})):
        with pytest.raises(ConfigError, match="is no key") as e:
            read_login(configured, environment)
        assert KEY not in str(e.value)


def test_nothing_shows_or_writes_it():
    login = Login(KEY, "token-0123456789")
    assert repr(login) == str(login) == "Login()" and login
    for write in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            write(login)


def test_a_key_of_a_wrong_type_in_the_file_is_not_shown(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(f'{{"{VARIABLE}": ["{KEY}"]}}', encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{VARIABLE} must be str or null, not list") as e:
        load_config(WorkerConfig, "", path)
    assert KEY not in str(e.value)


def test_what_comfyui_hands_to_a_node_may_be_nothing():
    assert not given_login(None, None) and not given_login(["x"], {})
    assert given_login("t", None).extra_data() == {"auth_token_comfy_org": "t"}
