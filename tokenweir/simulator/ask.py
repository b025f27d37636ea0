"""What was asked: the body of a request, read and checked.

Law of this file: pure; the fields that change the answer, and refusals in the words of OpenAI's API.
Every other field is allowed and ignored, as local servers do.
"""

import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tokenweir.simulator.quirks import Provider
from tokenweir.simulator.text import split

_PER_MESSAGE, _PER_PROMPT = 5, 3
"""Tokens of a chat template around each message, and before the answer (ChatML's marks)."""

_WHERE = re.compile(r"at `\$\.(\w+)")
_MISSING = re.compile(r"required field `(\w+)")


class Part(Struct, frozen=True):
    """A part of a message's content; what is no text counts nothing."""

    text: str = ""


class Message(Struct, frozen=True):
    """One message of the conversation."""

    role: str
    content: str | list[Part] | None = None


class Function(Struct, frozen=True):
    """What a tool is called."""

    name: str


class Tool(Struct, frozen=True):
    """A tool that the answer may call."""

    function: Function | None = None


class StreamOptions(Struct, frozen=True):
    """What a stream tells besides its text."""

    include_usage: bool = False


class Ask(Struct, frozen=True):
    """A request for an answer, as far as the simulator cares."""

    messages: Annotated[list[Message], Meta(min_length=1)]
    model: str | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None

    @property
    def include_usage(self) -> bool:
        """Whether the stream is to tell its token figures."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def limit(self) -> int | None:
        """At most so many tokens for each choice; None is no bound (LM Studio: -1)."""
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return None if limit == -1 else limit

    def offers(self, name: str) -> bool:
        """Whether a tool of that name may be called."""
        names = [tool.function.name for tool in self.tools or () if tool.function is not None]
        return name in names and self.tool_choice != "none"

    def prompt_tokens(self) -> int:
        """The tokens of the prompt, by the simulator's own count."""
        return sum(_PER_MESSAGE + len(split(_text(message))) for message in self.messages) + _PER_PROMPT


class BadAsk(Struct, frozen=True):
    """Why a body is refused (400), and the field at fault, where one is."""

    message: str
    param: str | None = None


def read_ask(body: bytes, provider: Provider) -> Ask | BadAsk:
    """The request in a body, or why it is refused.

    >>> read_ask(b'{"messages": []}', "openai")
    BadAsk(message='Expected `array` of length >= 1 - at `$.messages`', param='messages')
    """
    try:
        ask = msgspec.json.decode(body, type=Ask)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return bad_ask(bad)
    for name in ("max_tokens", "max_completion_tokens"):
        value = getattr(ask, name)
        if value is not None and value < 1 and not (value == -1 and provider == "lmstudio"):
            return BadAsk(f"Expected `int` >= 1, got {value} - at `$.{name}`", name)
    return ask


def bad_ask(bad: Exception) -> BadAsk:
    """Why a body cannot be read, and the field that is wrong or missing, where it is one."""
    if not isinstance(bad, msgspec.ValidationError):
        return BadAsk(f"The body is not JSON that can be read: {bad}")
    field = _WHERE.search(str(bad)) or _MISSING.search(str(bad))
    return BadAsk(str(bad), field and field[1])


def _text(message: Message) -> str:
    if isinstance(message.content, list):
        return "".join(part.text for part in message.content)
    return message.content or ""
