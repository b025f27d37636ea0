"""What stands beside the choices: the head of an answer comes first, the rest is kept."""

from typing import Any

import pytest

from tests.chat import STOP, chunk, decode, extras, failure, of
from tokenweir.pipeline.events import Done, Event, Extra, Start, Usage
from tokenweir.pipeline.protocols.openai_chat_around import HELD_LIMIT, Around, error_in

USAGE = {"prompt_tokens": 3, "completion_tokens": 2}
FILTERS: dict[str, Any] = {"id": "", "model": "", "choices": [], "prompt_filter_results": [1]}


def test_start_is_the_first_event() -> None:
    """DESIGN 3: what a nameless first chunk brings waits for the one that names the answer."""
    events = decode({**FILTERS, "usage": USAGE}, chunk(content="a"), STOP)

    assert [type(event) for event in events[:3]] == [Start, Usage, Extra]
    assert events[0] == Start("a", None, "m", 7)


@pytest.mark.parametrize("payloads", [[], [{"error": "no"}], [b"[DONE]"]])
def test_a_name_that_never_comes(payloads: list[Any]) -> None:
    """P1: what waited is told when the answer ends, however it does."""
    events = decode(FILTERS, *payloads, provider="there")

    assert of(Start, events) == []
    assert extras(events) == [("prompt_filter_results", [1], None)]


def test_the_bound_of_what_waits() -> None:
    """P8: chunks without a name and without a choice do not pile up."""
    around, out = Around("there"), list[Event]()
    for number in range(HELD_LIMIT):
        around.take({"choices": [], "new": number}, [], out)
    assert out == []

    around.take({"choices": [], "new": "more"}, [], out)
    assert out[0] == Start(None, "there")
    assert len(out) == HELD_LIMIT + 2

    around.start({"id": "late"}, [], out)
    assert of(Start, out) == [Start(None, "there")]


@pytest.mark.parametrize(
    ("chunk", "error"),
    [
        ({"choices": []}, None),
        ({"error": None}, None),
        ({"error": {"code": 0, "message": ""}}, None),
        ({"error": "a", "x_groq": {"error": "b"}}, "a"),
        ({"x_groq": {"id": "r", "error": "b"}}, "b"),
        ({"x_groq": "b"}, None),
    ],
)
def test_error_in(chunk: dict[str, Any], error: object) -> None:
    """V15: beside the choices, in one of them, or in Groq's own place."""
    assert error_in(chunk, []) == error
    assert error_in(chunk, [{"index": 0}, {"error": "c"}]) == ("a" if error == "a" else "c")


def test_figures_beside_an_error() -> None:
    """P1: what comes with the error is told before it."""
    events = decode(chunk(content="a"), {**FILTERS, "usage": USAGE, "error": "no"})

    assert [type(event) for event in events[2:]] == [Usage, Extra, Done]
    assert failure(FILTERS | {"error": "no"}).message == "no"
