"""What was asked of Ollama: the body of `/api/chat` or `/api/generate`, read and checked.

Law of this file: pure; Ollama's fields become those of an `Ask`, so that one answer serves both APIs.
Every other field is allowed and ignored, as Ollama does.
"""

import msgspec
from msgspec import Struct

from tokenweir.simulator.ask import Ask, BadAsk, Message, Tool

_ZERO = frozenset({"0", "0s", "0m", "0h", "0ms"})


class _Options(Struct, frozen=True):
    num_predict: int | None = None


class _Message(Struct, frozen=True):
    role: str
    content: str = ""


class _Body(Struct, frozen=True):
    model: str = ""
    messages: list[_Message] = []
    system: str = ""
    prompt: str = ""
    stream: bool | None = None
    think: bool | str | None = None
    tools: list[Tool] | None = None
    options: _Options | None = None
    keep_alive: float | str | None = None


class OllamaAsk(Struct, frozen=True):
    """A request, as far as the simulator cares. `think` is None where nothing was said of it. An
    `empty` one only loads the model; with `unload`, it gives the model back."""

    ask: Ask
    model: str
    think: bool | str | None
    empty: bool
    unload: bool


def read_ollama_ask(body: bytes, *, generate: bool) -> OllamaAsk | BadAsk:
    """The request in a body, or why it is refused (400). It streams unless `stream` is false.

    >>> read_ollama_ask(b'{"messages": []}', generate=False)
    BadAsk(message='model is required', param=None)
    """
    if not body:
        return BadAsk("missing request body")
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as bad:
        return BadAsk(str(bad))
    if not found.model:
        return BadAsk("model is required")
    said = _prompt(found) if generate else found.messages
    predict = found.options.num_predict if found.options is not None else None
    ask = Ask(
        messages=[Message(message.role, message.content) for message in said],
        model=found.model,
        stream=found.stream is not False,
        max_tokens=predict if predict is not None and predict > 0 else None,  # below: no bound
        tools=None if generate else found.tools,
    )
    empty = not found.prompt if generate else not said
    return OllamaAsk(ask, found.model, found.think, empty, empty and _is_zero(found.keep_alive))


def _prompt(found: _Body) -> list[_Message]:
    system = [_Message("system", found.system)] if found.system else []
    return [*system, _Message("user", found.prompt)]


def _is_zero(keep_alive: float | str | None) -> bool:
    return keep_alive in _ZERO if isinstance(keep_alive, str) else keep_alive == 0
