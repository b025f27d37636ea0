"""Requests as bodies of llama-server's own `/completion` (PROTOCOLS 5.1)."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.llamacpp_completion import body
from tokenweir.pipeline.request import Request, read_messages

ONCE = read_messages("Once")
TOOL = {"type": "function", "function": {"name": "look"}}


def asked(**options: Any) -> dict[str, Any]:
    """The body of a request, without what is the same in all of them."""
    made = body(Request(ONCE, "m", options=options))
    return {name: value for name, value in made.items() if name not in ("model", "prompt", "stream")}


def test_the_shortest_bodies() -> None:
    """Nothing is asked that the caller did not ask."""
    assert body(Request(ONCE, stream=False)) == {"prompt": "Once", "stream": False}
    assert body(Request(ONCE, "m")) == {"prompt": "Once", "stream": True, "model": "m"}


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"max_tokens": 9}, {"n_predict": 9}),
        ({"max_completion_tokens": 9}, {"n_predict": 9}),
        ({"n_predict": 9}, {"n_predict": 9}),
        ({"repetition_penalty": 1.1}, {"repeat_penalty": 1.1}),
        ({"stop": "."}, {"stop": ["."]}),
        ({"stop": ["a", "b"]}, {"stop": ["a", "b"]}),
        ({"logprobs": True}, {"n_probs": 1}),
        ({"logprobs": True, "top_logprobs": 3}, {"n_probs": 3}),
        ({"logprobs": False}, {}),
        ({"response_format": {"type": "json_object"}}, {"json_schema": {}}),
        ({"seed": 0, "cache_prompt": False, "n_cmpl": 2}, {"seed": 0, "cache_prompt": False, "n_cmpl": 2}),
        ({"user": "u", "stream_options": {}, "n": 1, "tools": [], "seed": None}, {}),
    ],
)
def test_options(options: dict[str, Any], made: dict[str, Any]) -> None:
    """OpenAI's names become llama-server's, and its own pass."""
    assert asked(**options) == made


@pytest.mark.parametrize(
    ("messages", "options", "message"),
    [
        (
            [*ONCE, {"role": "assistant", "content": "a"}],
            {},
            "not user, assistant: leave completion=True out",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}],
            {},
            "only text can stand here",
        ),
        (ONCE, {"n": 2}, "n=2: completion=True gives one choice"),
        (ONCE, {"tools": [TOOL]}, "tools=.*leave completion=True out"),
        (ONCE, {"response_format": {"type": "xml"}}, "text, json_object and json_schema"),
    ],
)
def test_what_is_refused(messages: Any, options: dict[str, Any], message: str) -> None:
    """By name, with the right use."""
    with pytest.raises(MisuseError, match=message):
        body(Request(tuple(messages), "m", options=options))
