"""What was asked of LM Studio: the body of its own `/api/v1/chat`, read and checked.

Law of this file: pure; LM Studio's fields become those of an `Ask`, so that one answer serves every
API. Every other field is allowed and ignored. The simulator keeps no conversation: a
`previous_response_id` changes nothing.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tokenweir.simulator.ask import Ask, BadAsk, Message, bad_ask


class _Item(Struct, frozen=True):
    type: Literal["message", "text", "image"]
    content: str = ""
    data_url: str = "data:"


class _Body(Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    input: str | Annotated[list[_Item], Meta(min_length=1)]
    system_prompt: str = ""
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    reasoning: Literal["off", "low", "medium", "high", "on"] | None = None
    store: bool | None = None


class LMStudioAsk(Struct, frozen=True):
    """A request, as far as the simulator cares. `thinks` is whether reasoning was not switched off,
    `stored` whether the answer gets an id by which it can be continued."""

    ask: Ask
    thinks: bool
    stored: bool


def read_lmstudio_ask(body: bytes) -> LMStudioAsk | BadAsk:
    """The request in a body, or why it is refused (400). It streams where `stream` is true.

    >>> read_lmstudio_ask(b'{"model": "m"}')
    BadAsk(message='Object missing required field `input`', param='input')
    """
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return bad_ask(bad)
    items = [_Item("message", found.input)] if isinstance(found.input, str) else found.input
    if not all(item.data_url.startswith("data:") for item in items):
        return BadAsk("An image is given as data: data:image/png;base64,...", "input")
    system = [Message("system", found.system_prompt)] if found.system_prompt else []
    ask = Ask(
        messages=[*system, *(Message("user", item.content) for item in items)],
        model=found.model,
        stream=bool(found.stream),
        max_tokens=found.max_output_tokens,
    )
    return LMStudioAsk(ask, found.reasoning != "off", found.store is not False)
