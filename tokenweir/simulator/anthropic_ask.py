"""What was asked of Anthropic: the body of its own `/v1/messages`, read and checked.

Law of this file: pure; the API's fields become those of an `Ask`, so that one answer serves every API.
Every other field is allowed and ignored. Refusals name the field first, as the API does.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tokenweir.simulator.ask import Ask, BadAsk, Function, Message, Part, Tool, bad_ask


class _Result(Struct, frozen=True):
    """A block: text, or a tool's result, which holds text in its turn; what is neither counts nothing."""

    type: str
    text: str = ""
    content: str | list[Part] | None = None


class _Message(Struct, frozen=True):
    role: Literal["user", "assistant", "system"]
    content: str | list[_Result]


class _Tool(Struct, frozen=True):
    name: str


class _Kind(Struct, frozen=True):
    type: str


class _Body(Struct, frozen=True):
    model: Annotated[str, Meta(min_length=1)]
    max_tokens: Annotated[int, Meta(ge=1)]
    messages: Annotated[list[_Message], Meta(min_length=1)]
    system: str | list[Part] = ""
    stream: bool | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Kind | None = None
    thinking: _Kind | None = None


class AnthropicAsk(Struct, frozen=True):
    """A request, as far as the simulator cares. `thinks` is whether thinking was not switched off."""

    ask: Ask
    thinks: bool


def read_anthropic_ask(body: bytes) -> AnthropicAsk | BadAsk:
    """The request in a body, or why it is refused (400). It streams where `stream` is true.

    >>> read_anthropic_ask(b'{"model": "m"}')
    BadAsk(message='max_tokens: Object missing required field `max_tokens`', param='max_tokens')
    """
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        told = bad_ask(bad)
        return BadAsk(f"{told.param}: {told.message}", told.param) if told.param else told
    system = [Message("system", found.system)] if found.system else []
    ask = Ask(
        messages=[*system, *(Message(message.role, _text(message)) for message in found.messages)],
        model=found.model,
        stream=bool(found.stream),
        max_tokens=found.max_tokens,
        tools=[Tool(Function(tool.name)) for tool in found.tools or ()],
        tool_choice=found.tool_choice and found.tool_choice.type,
    )
    return AnthropicAsk(ask, found.thinking is None or found.thinking.type != "disabled")


def _text(message: _Message) -> str:
    if isinstance(message.content, str):
        return message.content
    return "".join(block.text + _inside(block) for block in message.content)


def _inside(block: _Result) -> str:
    if isinstance(block.content, str):
        return block.content
    return "".join(part.text for part in block.content or ())
