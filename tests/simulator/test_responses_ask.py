"""What was asked for by a body of `/v1/responses`."""

from typing import Any

import msgspec
import pytest

from tokenweir.simulator.ask import Ask, BadAsk
from tokenweir.simulator.responses_ask import read_responses_ask


def asked(**fields: Any) -> Ask:
    """A request that is answered."""
    found = read_responses_ask(msgspec.json.encode(fields))
    assert isinstance(found, Ask)
    return found


def test_a_prompt() -> None:
    """A string is one user message; the instructions stand before it."""
    found = asked(model="m", input="Hi", instructions="Be brief.", max_output_tokens=3)

    assert [(message.role, message.content) for message in found.messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]
    assert (found.model, found.stream, found.limit) == ("m", False, 3)
    assert asked(input="Hi", stream=True).stream is True


def test_items_are_messages() -> None:
    """PROTOCOLS 7.1: a call is the assistant's, its result the tool's; reasoning asks for nothing."""
    items: list[Any] = [
        {"role": "user", "content": [{"type": "input_text", "text": "Look."}]},
        {"type": "reasoning", "summary": []},
        {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "a star"},
    ]
    found = asked(input=items)

    assert [message.role for message in found.messages] == ["user", "assistant", "tool"]
    assert found.messages[2].content == "a star"
    assert found.prompt_tokens() > asked(input="Look.").prompt_tokens()


def test_tools_are_flat() -> None:
    """Only functions can be called, and none where the choice says so."""
    tools = [{"type": "function", "name": "look"}, {"type": "web_search"}]

    assert asked(input="Hi", tools=tools).offers("look")
    assert not asked(input="Hi", tools=tools).offers("web_search")
    assert not asked(input="Hi", tools=tools, tool_choice="none").offers("look")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"{}", "input"),
        (b'{"input": []}', "input"),
        (b'{"input": [{"type": "reasoning"}]}', "input"),
        (b'{"input": "Hi", "max_output_tokens": 0}', "max_output_tokens"),
        (b'{"input": 7}', "input"),
        (b"{", None),
        (b"\xff", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_bad_request_names_the_field(body: bytes, param: str | None) -> None:
    """R07: refused before anything else."""
    found = read_responses_ask(body)

    assert isinstance(found, BadAsk)
    assert found.param == param
