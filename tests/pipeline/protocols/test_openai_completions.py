"""Requests as bodies of `/v1/completions`."""

from typing import Any

import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.protocols.openai_completions import body
from tokenweir.pipeline.request import Request, read_messages

ONCE = read_messages("Once")
TOOL = {"type": "function", "function": {"name": "look"}}


def asked(**options: Any) -> dict[str, Any]:
    """The body of a request without a stream, without what is the same in all of them."""
    made = body(Request(ONCE, "m", stream=False, options=options))
    return {name: value for name, value in made.items() if name not in ("model", "prompt", "stream")}


def test_the_shortest_bodies() -> None:
    """The prompt as it is; figures are asked for in a stream, and the caller's options win."""
    assert body(Request(ONCE, stream=False)) == {"prompt": "Once", "stream": False}
    assert body(Request(ONCE, "m")) == {
        "model": "m",
        "prompt": "Once",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    made = body(Request(ONCE, options={"stream_options": {}}), stream_options={"include_obfuscation": False})
    assert made["stream_options"] == {}


def test_options_pass() -> None:
    """OpenAI's own, and those of any server."""
    options: dict[str, Any] = {"n": 2, "echo": True, "suffix": "}", "stop": ["."], "best_of": 3, "min_p": 0.1}

    assert asked(**options, tools=[], tool_choice="none", seed=None) == options


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ({"max_completion_tokens": 9}, {"max_tokens": 9}),
        ({"max_tokens": 9}, {"max_tokens": 9}),
        ({"logprobs": True}, {"logprobs": 0}),
        ({"logprobs": True, "top_logprobs": 3}, {"logprobs": 3}),
        ({"logprobs": False, "top_logprobs": 0}, {}),
        ({"logprobs": 5}, {"logprobs": 5}),
    ],
)
def test_names_of_a_chat(options: dict[str, Any], made: dict[str, Any]) -> None:
    """What a chat calls by another name; `logprobs` is a number here."""
    assert asked(**options) == made


@pytest.mark.parametrize(
    ("messages", "options", "message"),
    [
        (
            [{"role": "system", "content": "a"}, *ONCE],
            {},
            "one prompt .* not system, user: leave completions",
        ),
        (
            [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}],
            {},
            "only text can stand here",
        ),
        (ONCE, {"tools": [TOOL]}, "tools=.*leave completions=True out"),
        (ONCE, {"reasoning_effort": "low"}, "reasoning_effort='low'"),
        (ONCE, {"top_logprobs": 3}, "it needs logprobs=True"),
    ],
)
def test_what_is_refused(messages: Any, options: dict[str, Any], message: str) -> None:
    """By name, with the right use."""
    with pytest.raises(MisuseError, match=message):
        body(Request(tuple(messages), "m", options=options))
