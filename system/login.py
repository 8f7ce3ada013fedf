"""The login of the user's Comfy account, which API nodes of ComfyUI pay with.

A value that no text shows, and that goes into no file. It is read from the configuration or the
environment, or it is what the user's own ComfyUI was given; `worker/client/queue_prompt.py` sends
it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import ConfigError

VARIABLE = "COMFY_ORG_API_KEY"  # in the environment and in comfy_serverless.json


@dataclass(frozen=True, slots=True)
class Login:
    """A key of the account, or the token of a browser that is logged in; both empty: none."""

    api_key: str = field(default="", repr=False)
    token: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.api_key or self.token)

    def __reduce__(self) -> NoReturn:
        raise TypeError("The login of a Comfy account is not written anywhere.")

    def extra_data(self) -> dict[str, str]:
        """What a prompt's `extra_data` calls it (execution.py `SENSITIVE_EXTRA_DATA_KEYS`)."""
        named = {"auth_token_comfy_org": self.token, "api_key_comfy_org": self.api_key}
        return {name: value for name, value in named.items() if value}


def is_login_set(configured: str | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether there is a key at all, good or not."""
    return bool((configured or "").strip() or environment.get(VARIABLE, "").strip())


def read_login(configured: str | None, environment: Mapping[str, str] = os.environ) -> Login:
    """The login of a script: the key in its configuration, else the one in its environment.

    Raises:
        ConfigError: it can be no key. The text does not show it.
    """
    for value, place in (
        (configured, "comfy_serverless.json"),
        (environment.get(VARIABLE), "the environment"),
    ):
        key = (value or "").strip()
        if key:
            if not key.isascii() or not key.isprintable():
                raise ConfigError(
                    f"{VARIABLE} in {place} is no key: it has line breaks or letters that no key "
                    "has. Copy it anew from https://platform.comfy.org."
                )
            return Login(key)
    return Login()


def given_login(token: Any, api_key: Any) -> Login:
    """The login that ComfyUI hands to a node; what is no text is none."""
    return Login(
        api_key if isinstance(api_key, str) else "", token if isinstance(token, str) else ""
    )
