"""What is asked and what is understood, in one form for all clients, and what they must all understand.

Law of this file: values. Each client is a program that reads one question as a line of JSON, and writes what
its library made of the answer as a line of JSON.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.text import ABOUT, script_of

Way = Literal["stream", "whole", "helper", "leave"]
"""`helper` is the library's own way to put a stream together, where it has one; `leave` stops listening after
three pieces."""

HARD = (
    f"{ABOUT.text} Naïve “quotes”, ha haha hahaha, 1 15 151,\n\ttabs\r\nand ends: 日本語, العربية, "
    "👩\u200d👩\u200d👧 \U0001f1eb\U0001f1f7, \u2028 and \x85, <think> </think> data: [DONE] : ping."
)
"""A text with what gets lost: signs of several bytes, line ends of several kinds, what looks like a frame."""
THOUGHT = "Who asks? Somebody who tests: “briefly”, then. "
ARGUMENTS = {"place": "Zürich “Hbf”", "days": [1, 15], "deep": {"none": None, "yes": True}}
TOOL = "look_up_weather"


class Question(Struct, kw_only=True, omit_defaults=True):
    """One question to a client. `tools` offers TOOL; `max_tokens` is as in the API."""

    base_url: str
    model: str
    way: Way
    api_key: str
    tools: bool = False
    max_tokens: int | None = None
    retries: int = 0


class Call(Struct, frozen=True):
    """A call of a tool; its arguments as values, since some libraries give them so."""

    id: str
    name: str
    arguments: Any


class Fault(Struct, frozen=True):
    """What the library raised: the names of its classes, the HTTP status where there is one, the message."""

    types: tuple[str, ...]
    message: str
    status: int | None = None


class Said(Struct, frozen=True, kw_only=True):
    """What a client understood. `reasoning` is None where the client has no place for it. `usage` is input,
    output, total."""

    text: str = ""
    reasoning: str | None = None
    calls: tuple[Call, ...] = ()
    usage: tuple[int, int, int] | None = None
    finish: str | None = None
    error: Fault | None = None
    waited: float | None = None
    """Seconds until the first piece, where the answer was streamed."""


def talker(provider: str, name: str, **switches: Any) -> Quirks:
    """A simulated backend that thinks, speaks HARD, and calls TOOL where it is offered; its one model is
    called `name`."""
    own: dict[str, Any] = {"provider": provider, "models": (name,), "script": script_of(HARD)}
    own |= {"reasoning": THOUGHT, "tool": ToolCall(TOOL, json.dumps(ARGUMENTS, ensure_ascii=False))}
    return Quirks(**{**own, **switches})


BACKENDS: Mapping[str, tuple[str, Quirks]] = {
    "cumulative": ("lmstudio", talker("lmstudio", "cumulative-model", cumulative=True, final_repeat=True)),
    "deltas": ("openai-compatible", talker("openai", "deltas-model")),
    "ollama": ("ollama", talker("ollama", "ollama-model")),
    "anthropic": ("anthropic", talker("anthropic", "anthropic-model")),
}
"""Provider and ways of each kind of backend: all of them say the same."""

BROKEN: Mapping[str, tuple[str, Quirks]] = {
    fault: ("openai-compatible", Quirks(models=(f"{fault}-model",), fault=fault, fault_after=8))
    for fault in ("error", "cut", "reset", "no-end", "no-finish")
}
"""Backends whose answers end badly, by their faults."""

SLOW: Mapping[str, tuple[str, Quirks]] = {
    "slow": ("openai-compatible", Quirks(models=("slow-model",), rate=20.0)),
}
"""A backend that speaks for five seconds."""


def decoded(line: bytes | str) -> Said:
    """What a client wrote."""
    return msgspec.json.decode(line, type=Said)
