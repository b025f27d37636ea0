"""The neutral request: what every protocol turns into its own body.

Law of this file: values and their checks, before anything is sent. The neutral form of a message is
OpenAI's (`role`, `content`, `tool_calls`, `tool_call_id`), since that is what callers have in hand.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError

Message = Mapping[str, Any]
Messages = str | Sequence[Message]
"""A prompt (one user message), or messages as `{"role": ..., "content": ...}`."""


class Request(Struct, frozen=True):
    """One request for an answer. `options` are the parameters, by their names in OpenAI's API."""

    messages: tuple[Message, ...]
    model: str | None = None
    stream: bool = True
    options: Mapping[str, Any] = {}


def read_messages(messages: Messages) -> tuple[Message, ...]:
    """The messages as a tuple of mappings.

    Raises MisuseError for an empty list, and for a message without a role.

    >>> read_messages("Hi")
    ({'role': 'user', 'content': 'Hi'},)
    """
    if isinstance(messages, str):
        return ({"role": "user", "content": messages},)
    found = tuple(messages)
    if not found:
        msg = "messages is empty: give a prompt, or [{'role': 'user', 'content': '...'}]"
        raise MisuseError(msg)
    for at, message in enumerate(found):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
            msg = f"messages[{at}] is {message!r:.80}: a message is {{'role': 'user', 'content': '...'}}"
            raise MisuseError(msg)
    return found
