"""OpenAI's log probabilities, the form of a chat and that of a plain completion, to be written again.

Law of this file: pure. An `Extra` holds what some backend sent; what is no such form is not written, since
clients' types demand it. Nothing in it is changed, and fields beside those of OpenAI stay.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct


class _Alternative(Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Token(_Alternative, kw_only=True):
    top_logprobs: list[_Alternative]


class _Chat(Struct):
    content: list[_Token] | None = None
    refusal: list[_Token] | None = None


class _Completion(Struct):
    tokens: list[str]
    token_logprobs: list[float | None] | None = None
    top_logprobs: list[dict[str, float | None] | None] | None = None
    text_offset: list[int] | None = None


def chat_logprobs(data: Raw) -> Mapping[str, Any] | None:
    """Those of a chat's choice; None for any other form.

    >>> chat_logprobs(Raw(b'{"content":[{"token":"a","logprob":-0.5,"top_logprobs":[]}]}'))
    {'content': [{'token': 'a', 'logprob': -0.5, 'top_logprobs': []}], 'refusal': None}
    """
    return _read(data, _Chat)


def completion_logprobs(data: Raw) -> Mapping[str, Any] | None:
    """Those of a completion's choice; None for any other form."""
    return _read(data, _Completion)


def _read(data: Raw, form: type[Struct]) -> Mapping[str, Any] | None:
    try:
        msgspec.json.decode(data, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    told: dict[str, Any] = msgspec.json.decode(data)
    found = {name: told.get(name) for name in form.__struct_fields__}
    return found if any(found.values()) else None


class Logprobs:
    """The log probabilities of one choice, gathered."""

    __slots__ = ("_lists",)

    def __init__(self) -> None:
        self._lists: dict[str, list[Any] | None] = {}

    def add(self, told: Mapping[str, Any]) -> None:
        """More of them, as the functions of this file give them."""
        for name, values in told.items():
            kept = self._lists.setdefault(name, None)
            if values is not None and kept is None:
                self._lists[name] = list(values)
            elif values is not None and kept is not None:
                kept.extend(values)

    def value(self) -> Mapping[str, Any]:
        """All of them, as a choice has them."""
        return self._lists
