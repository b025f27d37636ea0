"""The items of the output as they are written."""

import tracemalloc

import pytest

from tokenweir.pipeline.events import Usage
from tokenweir.pipeline.protocols.openai_responses_written import Call, Spoken, usage_body


def test_a_message_of_two_parts() -> None:
    """Text and a refusal, each from its beginning to its end."""
    item = Spoken(1, "x", "text")
    item.begin("text")
    item.say("a", again=False)
    item.say("b", again=False)

    assert item.delta("b") == {
        "item_id": "msg_x_1",
        "output_index": 1,
        "content_index": 0,
        "delta": "b",
        "logprobs": [],
    }
    assert item.whole()["text"] == "ab"
    item.begin("refusal")
    item.say("no", again=False)
    assert item.whole() == {"item_id": "msg_x_1", "output_index": 1, "content_index": 1, "refusal": "no"}
    assert item.item("completed") == {
        "id": "msg_x_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [
            {"type": "output_text", "text": "ab", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "no"},
        ],
    }
    assert item.takes("refusal")
    assert not item.takes("reasoning")


def test_reasoning() -> None:
    """It has a summary, which is empty, and no role."""
    item = Spoken(0, "x", "reasoning")

    assert item.added() == {
        "output_index": 0,
        "item": {"id": "rs_x_0", "type": "reasoning", "status": "in_progress", "content": [], "summary": []},
    }


def test_a_resend_stands_for_all() -> None:
    """What a cumulative backend says last is the whole."""
    item, call = Spoken(0, "x", "text"), Call(1, "x", "a", "f")
    item.begin("text")
    for text in ("I", "I am"):
        item.say(text, again=True)
        call.say(text, again=True)

    assert (item.whole()["text"], call.whole()["arguments"]) == ("I am", "I am")


@pytest.mark.parametrize("item", [Spoken(0, "x", "text"), Call(1, "x", "a", "f")])
def test_kept_as_characters(item: Spoken | Call) -> None:
    """P8: a hundred thousand small deltas are held as their characters, and not each as an object."""
    size = 0
    tracemalloc.start()
    try:
        for number in range(100_000):
            size += item.say(f"{number % 100:02}", again=False)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert size == 200_000
    assert held < 3 * size
    assert item.say("all", again=True) == 3 - size


def test_a_call() -> None:
    """Empty when it begins, whole when it ends."""
    call = Call(2, "x", "call_1", "f")
    call.say("{", again=False)
    call.say("}", again=False)
    item = call.done("incomplete")["item"]

    assert call.added()["item"]["arguments"] == ""
    assert item == {
        "id": "fc_x_2",
        "type": "function_call",
        "status": "incomplete",
        "arguments": "{}",
        "call_id": "call_1",
        "name": "f",
    }


def test_usage() -> None:
    """All figures, since clients demand them; a total that nobody gave is the sum."""
    assert usage_body(Usage(1, 2)) == {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3,
    }
    assert usage_body(Usage(1, 2, 9, 4, 5))["total_tokens"] == 9
