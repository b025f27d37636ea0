"""Reading a request."""

from typing import Any

import msgspec
import pytest

from tests.simulator.raw import PROMPT
from tokenweir.simulator.ask import Ask, BadAsk, read_ask


def read(**fields: Any) -> Ask | BadAsk:
    """A request with the given fields, as it is read."""
    return read_ask(msgspec.json.encode({"messages": PROMPT} | fields), "openai")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["Hi"]}, "messages"),
        ({"messages": [{"content": "Hi"}]}, "messages"),
        ({"messages": [{"role": 1}]}, "messages"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": 1}}, "stream_options"),
        ({"n": 0}, "n"),
        ({"n": 1_000_000_000}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": "x"}, "max_tokens"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_completion_tokens": -5}, "max_completion_tokens"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    """R06, R07: strict types and bounds, and the refusal names the field."""
    refused = read(**fields)

    assert isinstance(refused, BadAsk)
    assert refused.message
    assert refused.param == param


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"x"', b"\xff{}", b"[" * 100_000, b'{"messages": "\\ud83d"}']
)
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    """R01, R19: never an exception, always a reason."""
    refused = read_ask(body, "openai")

    assert isinstance(refused, BadAsk)
    assert refused.message


def test_a_missing_field_is_named() -> None:
    """R01: no messages at all."""
    refused = read_ask(b"{}", "openai")

    assert refused == BadAsk("Object missing required field `messages`", "messages")


def test_unknown_fields_are_let_through() -> None:
    """R09: what the simulator does not know changes nothing."""
    assert read(temperature=9, api_base="http://elsewhere", stop=["x"]) == read()


@pytest.mark.parametrize(
    ("fields", "limit"),
    [({}, None), ({"max_tokens": 5}, 5), ({"max_tokens": 5, "max_completion_tokens": 7}, 7)],
)
def test_the_newer_limit_wins(fields: dict[str, int], limit: int | None) -> None:
    """`max_completion_tokens` has taken the place of `max_tokens`."""
    ask = read(**fields)

    assert isinstance(ask, Ask)
    assert ask.limit == limit


def test_lm_studio_takes_minus_one_for_no_limit() -> None:
    """LM Studio's own examples send it; OpenAI refuses it (above)."""
    ask = read_ask(msgspec.json.encode({"messages": PROMPT, "max_tokens": -1}), "lmstudio")

    assert isinstance(ask, Ask)
    assert ask.limit is None


def test_only_an_offered_tool_may_be_called() -> None:
    """A model calls what it was offered, and nothing where the caller says "none"."""
    tools = [{"type": "function", "function": {"name": "look"}}, {"type": "web_search"}]
    asks = [read(tools=tools), read(tools=tools, tool_choice="none"), read()]

    assert [isinstance(ask, Ask) and ask.offers("look") for ask in asks] == [True, False, False]
    assert isinstance(asks[0], Ask)
    assert not asks[0].offers("jump")


def test_prompt_tokens_are_counted() -> None:
    """The simulator's own count: the tokens of the text, and a template's marks around each message."""
    parts = [{"type": "text", "text": "Who are"}, {"type": "image_url"}, {"type": "text", "text": " you?"}]
    asks = [
        read(),
        read(messages=[{"role": "user", "content": parts}]),
        read(messages=[{"role": "user"}] * 2),
    ]

    assert [ask.prompt_tokens() for ask in asks if isinstance(ask, Ask)] == [4 + 5 + 3, 4 + 5 + 3, 2 * 5 + 3]
