"""What was asked of OpenAI's newer API: the body of `/v1/responses`, read and checked.

Law of this file: pure; its fields become those of an `Ask`, so that one answer serves every API. Every
other field is allowed and ignored. The simulator keeps no conversation: a `previous_response_id`
changes nothing.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tokenweir.simulator.ask import Ask, BadAsk, Function, Message, Part, Tool, bad_ask

_Content = str | list[Part] | None


class _Item(Struct, frozen=True):
    type: str = "message"
    role: str = ""
    content: _Content = None
    output: _Content = None


class _Tool(Struct, frozen=True):
    type: str
    name: str = ""


class _Body(Struct, frozen=True):
    input: str | Annotated[list[_Item], Meta(min_length=1)]
    model: str | None = None
    instructions: str | None = None
    stream: bool | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    tools: list[_Tool] | None = None
    tool_choice: Any = None


def read_responses_ask(body: bytes) -> Ask | BadAsk:
    """The request in a body, or why it is refused (400). It streams where `stream` is true.

    >>> read_responses_ask(b'{"model": "m"}')
    BadAsk(message='Object missing required field `input`', param='input')
    """
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return bad_ask(bad)
    items = [_Item(role="user", content=found.input)] if isinstance(found.input, str) else found.input
    said = [message for item in items if (message := _message(item)) is not None]
    system = [Message("system", found.instructions)] if found.instructions else []
    if not system and not said:
        return BadAsk("There is nothing to answer", "input")
    return Ask(
        messages=[*system, *said],
        model=found.model,
        stream=bool(found.stream),
        max_tokens=found.max_output_tokens,
        tools=[Tool(Function(tool.name)) for tool in found.tools or () if tool.type == "function"],
        tool_choice=found.tool_choice,
    )


def _message(item: _Item) -> Message | None:
    """An item as a message of the chat API: a call is the assistant's, its result the tool's."""
    if item.role:
        return Message(item.role, item.content)
    if item.type.endswith("_call_output"):
        return Message("tool", item.output)
    return Message("assistant") if item.type.endswith("_call") else None
