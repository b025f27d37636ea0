"""Which protocol a recorded body speaks, told from what stands in it.

Law of this file: pure. Only what one protocol alone sends counts as a sign; a body without a sign is
not guessed at.
"""

from typing import Any

import msgspec
from msgspec import Struct

from tokenweir.pipeline.events import SSEEvent
from tokenweir.stages import sse_decode


class _Choice(Struct):
    delta: dict[str, Any] | None = None
    message: dict[str, Any] | None = None


class _Payload(Struct):
    object: str | None = None
    choices: list[_Choice] | None = None
    done: bool | None = None
    message: dict[str, Any] | None = None
    response: str | None = None


def recognise(body: bytes) -> str | None:
    """The name of the protocol of a response body, however it is framed; None where nothing tells.

    >>> recognise(b'data: {"choices": [{"delta": {"content": "Hi"}}]}')
    'openai-chat'
    """
    core = sse_decode().core()  # lenient, it finds bare JSON too
    items = [*core.feed([body]), *core.finish()]
    signs = (_sign(item.data) for item in items if isinstance(item, SSEEvent))
    return next((sign for sign in signs if sign is not None), None)


def _sign(data: bytes) -> str | None:
    try:
        payload = msgspec.json.decode(data, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if _is_openai_chat(payload):
        return "openai-chat"
    if payload.done is not None:
        if payload.message is not None:
            return "ollama-chat"
        if payload.response is not None:
            return "ollama-generate"
    return None


def _is_openai_chat(payload: _Payload) -> bool:
    """A chunk or a whole completion. Text completions have `choices` too, and `[DONE]` is also theirs."""
    if payload.object is not None and payload.object.startswith("chat.completion"):
        return True
    return any(choice.delta is not None or choice.message is not None for choice in payload.choices or ())
