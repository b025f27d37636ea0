"""What a backend is asked: a few small requests, the same for every one of them.

Law of this file: pure; a source and a case in, an HTTP request out. The prompts make any model count or
repeat, and hold nothing of the user's.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from tokenweir.pipeline.connection import HTTPRequest
from tokenweir.pipeline.sources.http import HTTPSource

COUNT = "Count from one to twenty in English words, separated by spaces. Say nothing else."
REPEAT = "Repeat this line exactly, and say nothing else: Grüße, 世界! naïve façade, 100 € 🎈🎉"
LONG = "Count from one to five hundred in English words. Leave none out. Say nothing else."
WEATHER = "What is the weather in Paris now? Use the tool."
NO_MODEL = "tokenweir-doctor-no-such-model"

TOKENS, MORE = 48, 400
"""At most so many tokens for an answer, and for the one that is left in the middle."""

TOOL: Mapping[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather of a city, now.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}

Case = Literal["first", "second", "one-shot", "tools", "wrong model", "bad parameter", "long"]


class Question(Struct, frozen=True):
    """One request: its prompt, the options that go with it, and whether it streams."""

    prompt: str
    options: Mapping[str, Any] = {}
    stream: bool = True
    tokens: int = TOKENS


QUESTIONS: Mapping[Case, Question] = {
    "first": Question(COUNT),
    "second": Question(REPEAT),
    "one-shot": Question(COUNT, stream=False),
    "tools": Question(WEATHER, {"tools": [TOOL]}, tokens=2 * TOKENS),
    "wrong model": Question(COUNT, {"model": NO_MODEL}),
    "bad parameter": Question(COUNT),
    "long": Question(LONG, tokens=MORE),
}

_LIMITS: Mapping[str, str] = {"openai": "max_completion_tokens"}
"""Providers whose newer models refuse `max_tokens`."""


def question(source: HTTPSource, case: Case) -> HTTPRequest:
    """The request of a case to a source. Raises MisuseError where the source needs a model and has none."""
    asked = QUESTIONS[case]
    limit = _LIMITS.get(source.provider, "max_tokens")
    request = source.request(asked.prompt, stream=asked.stream, **{limit: asked.tokens}, **asked.options)
    body: Any = source.body(request)
    if case == "bad parameter":
        body = _spoiled(body, asked.tokens)
    return source.question(source.base_url + source.path_of(request), body)


def _spoiled(value: Any, number: int) -> Any:
    """The body with a word in the place of its limit, whatever the protocol calls it."""
    if isinstance(value, dict):
        return {name: _spoiled(inner, number) for name, inner in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    return "many" if value is number or value == number else value
