"""The whole answer in one body."""

from typing import Any

import msgspec

from tests.simulator.raw import PROMPT
from tokenweir.simulator.answer import CREATED, Answer
from tokenweir.simulator.ask import Ask
from tokenweir.simulator.one_shot import completion
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.text import script_of


def body(quirks: Quirks, **fields: Any) -> dict[str, Any]:
    """The answer's body, as a value."""
    ask = msgspec.convert({"messages": PROMPT} | fields, Ask)
    made: dict[str, Any] = msgspec.json.decode(completion(Answer(ask, quirks, "i", "m").steps()))
    return made


def test_a_whole_answer() -> None:
    """R17: the form of `chat.completion`, with every field that strict clients ask for."""
    message = {"role": "assistant", "content": "a b", "refusal": None}

    assert body(Quirks(script=script_of("a b"))) == {
        "id": "i",
        "object": "chat.completion",
        "created": CREATED,
        "model": "m",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 14},
    }


def test_each_choice_has_its_message() -> None:
    """V13: in the order of their numbers."""
    made = body(Quirks(script=script_of("a b"), reasoning="hm"), n=3)

    assert [choice["index"] for choice in made["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in made["choices"]} == {"a b"}
    assert {choice["message"]["reasoning_content"] for choice in made["choices"]} == {"hm"}
    assert made["usage"]["completion_tokens_details"] == {"reasoning_tokens": 3}


def test_a_call_is_whole() -> None:
    """Its fragments joined, no content, `tool_calls` for the reason."""
    quirks = Quirks(tool=ToolCall("look", '{"at": 1}'))
    (choice,) = body(quirks, tools=[{"function": {"name": "look"}}])["choices"]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    assert choice["message"]["tool_calls"] == [
        {"id": "call_0", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
    ]


def test_an_answer_without_text() -> None:
    """A choice without a token is still a choice."""
    (choice,) = body(Quirks(script=script_of("")))["choices"]

    assert choice["message"]["content"] == ""
    assert choice["finish_reason"] == "stop"
