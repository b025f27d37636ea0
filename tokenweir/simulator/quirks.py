"""How the simulated backend behaves: one frozen value, checked at birth.

Law of this file: names and bounds of the switches, nothing of what they do. Each fault's name is the
same here, in `tokenweir simulate --fault` and in the tests.
"""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal, get_args, get_type_hints

import msgspec
from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.simulator.text import ABOUT, Script

Provider = Literal["openai", "lmstudio", "ollama", "anthropic"]

FAULTS: Mapping[str, str] = {
    "error": "an error frame in the middle, then [DONE]",
    "cut": "the connection closes in the middle of a frame",
    "reset": "the connection is reset in the middle",
    "stall": "silence for ever in the middle",
    "no-done": "a finish, but no [DONE]",
    "no-finish": "[DONE], but no finish",
    "no-end": "neither a finish nor [DONE]",
    "html": "200 with a proxy's HTML page",
    "json-error": "200 with an error as a JSON body",
    "status-500": "500 server error",
    "status-503-loading": "503 Loading model, until it is loaded (needs a load time)",
    "status-404": "404 model_not_found",
    "status-429": "429 rate limited, with Retry-After",
    "invalid-utf8": "a chunk with bytes that are not UTF-8",
    "half-surrogate": "chunks with halves of a surrogate pair, the last one alone",
    "long-line": "one line of 50 MB",
    "empty": "200 and an event stream without an event",
    "empty-choices": "chunks with no choices in between",
    "list": "a chunk inside a JSON list",
    "text-after-end": "a chunk of text after [DONE]",
    "crlf": "lines that end in CRLF",
}
"""What can go wrong, by name, each with one line for people."""

_ONE_END = "its last line is finish and end marker in one: use no-end"
NOT_OF: Mapping[str, Mapping[str, str]] = {
    "ollama": {
        "no-done": _ONE_END,
        "no-finish": _ONE_END,
        "status-503-loading": "it is silent while it loads: use load_seconds",
        "empty-choices": "its lines have no choices",
        "list": "its lines stand in no list",
    },
    "anthropic": {"empty-choices": "its events have no choices"},
}
"""Faults that a provider cannot have, and why."""


class ToolCall(Struct, frozen=True):
    """The call that the answer makes where the request offers a tool of that `name`. `arguments` is
    JSON text. Raises MisuseError where it is not."""

    name: str
    arguments: str = "{}"

    def __post_init__(self) -> None:
        try:
            msgspec.json.decode(self.arguments)
        except msgspec.DecodeError as bad:
            raise MisuseError(
                f"ToolCall(arguments={self.arguments!r}): arguments are JSON text; {bad}"
            ) from bad


class Quirks(Struct, frozen=True, kw_only=True):
    """One backend's ways.

    - `provider`: whose bodies and habits, where they differ.
    - `script`: what it says (`script_of(text)`); `reasoning`: what it thinks before; `tool`: its call.
    - `cumulative`: each chunk has all the text so far. `final_repeat`: one last chunk repeats it all.
    - `load_seconds`: the first request pays them. `prefill_seconds`: every request does.
    - `keep_alive`: seconds between comments while it loads and prefills; None is what LM Studio does:
      nothing at all, not even headers, before the first token.
    - `rate`: tokens per second; None is as fast as possible.
    - `fault`: a name out of `FAULTS`, and `fault_after`: how many tokens come before it (or all of
      them, in a shorter answer).
    - `byte_split`: every byte of the body is its own write.
    - `ignore_cancel`: it does not notice that a client has left, and generates on; who comes next waits
      until it is through.
    - `models`: their names. With one, any name is served by it; with several, an unknown one is 404.

    Raises MisuseError for a value that cannot be.
    """

    provider: Provider = "openai"
    script: Script = ABOUT
    reasoning: str | None = None
    tool: ToolCall | None = None
    cumulative: bool = False
    final_repeat: bool = False
    load_seconds: float = 0.0
    prefill_seconds: float = 0.0
    keep_alive: float | None = None
    rate: float | None = None
    fault: str | None = None
    fault_after: int = 8
    byte_split: bool = False
    ignore_cancel: bool = False
    models: tuple[str, ...] = ("simulated-model",)

    def __post_init__(self) -> None:
        if self.provider not in get_args(Provider):
            raise MisuseError(f"provider={self.provider!r}: one of {', '.join(get_args(Provider))}")
        _check_types(self)
        for name, unit in _AT_LEAST_ZERO.items():
            if not 0 <= getattr(self, name) < math.inf:
                raise MisuseError(f"{name}={getattr(self, name)!r}: {unit}, 0 or more")
        for name, unit in _MORE_THAN_ZERO.items():
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise MisuseError(f"{name}={value!r}: {unit}, more than 0, or None")
        if not self.models or not all(self.models) or len(set(self.models)) < len(self.models):
            raise MisuseError(f"models={self.models!r}: at least one name, none of them empty or twice")
        if self.provider == "ollama" and self.keep_alive is not None:
            raise MisuseError(
                f"keep_alive={self.keep_alive!r}: ollama is silent while it loads: leave it out"
            )
        self._check_fault()

    def _check_fault(self) -> None:
        if self.fault is None:
            return
        if self.fault not in FAULTS:
            near = get_close_matches(self.fault, FAULTS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"one of {', '.join(FAULTS)}"
            raise MisuseError(f"fault={self.fault!r}: {hint}")
        why = NOT_OF.get(self.provider, {}).get(self.fault)
        if why is not None:
            raise MisuseError(f"fault={self.fault!r} is not one of {self.provider}'s: {why}")
        if self.fault == "status-503-loading" and self.load_seconds == 0:
            raise MisuseError("fault='status-503-loading' needs load_seconds: that is how long it lasts")


_AT_LEAST_ZERO = {"load_seconds": "seconds", "prefill_seconds": "seconds", "fault_after": "tokens"}
_MORE_THAN_ZERO = {"keep_alive": "seconds between comments", "rate": "tokens per second"}


def _check_types(quirks: Quirks) -> None:
    for name, kind in _TYPES.items():
        value = getattr(quirks, name)
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as bad:
            raise MisuseError(f"{name}={value!r}: {bad}") from bad


_TYPES = get_type_hints(Quirks)
