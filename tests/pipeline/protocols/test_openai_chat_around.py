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


@pytest.mark.parametrize(
    ("chunk", "listed", "start"),
    [
        ({"id": "a"}, [], Start("a", "there")),
        ({"model": "m"}, [], Start(None, "there", "m")),
        ({"id": "", "created": 7}, [{"index": 0}], Start(None, "there", None, 7)),
    ],
)
def test_what_names_an_answer(chunk: dict[str, Any], listed: list[Any], start: Start) -> None:
    """DESIGN 3: its id, its model, or else its first choice, each alone."""
    around, out = Around("there"), list[Event]()
    around.start(chunk, listed, out)
    around.start({"id": "another"}, [], out)

    assert out == [start]


def started() -> Around:
    """An answer that has begun."""
    around = Around("there")
    around.start({"id": "a"}, [], [])
    return around


@pytest.mark.parametrize(
    "chunk",
    [
        {"choices": [], "usage": USAGE},
        {"choices": [], "x_groq": {"id": "r", "usage": USAGE}},
        {"choices": [{"index": 0, "usage": USAGE}]},
    ],
)
def test_where_figures_stand(chunk: dict[str, Any]) -> None:
    """V21: beside the choices, in Groq's own place, or in a choice (Moonshot)."""
    out: list[Event] = []
    started().take(chunk, chunk["choices"], out)

    assert of(Usage, out) == [Usage(3, 2, None)]


def test_figures_are_merged() -> None:
    """V21: a later chunk adds to what was told before, and repeats nothing."""
    around, out = started(), list[Event]()
    for usage in ({"prompt_tokens": 3}, {"completion_tokens": 2}, {"completion_tokens": 2}):
        around.take({"usage": usage}, [], out)

    assert out == [Usage(3, None, None), Usage(3, 2, None)]


@pytest.mark.parametrize(
    ("chunk", "kept"),
    [
        ({"usage": {**USAGE, "new": 1}}, [("usage", {"new": 1}, None)]),
        ({"usage": 5}, [("usage", 5, None)]),
        ({"choices": 5}, [("choices", 5, None)]),
        ({"choices": [1, "x", {}, {"index": 0}]}, [("choices", [1, "x"], None)]),
        ({"x_groq": {"id": "r", "error": None, "usage": None}}, [("x_groq", {"id": "r"}, None)]),
        ({"prompt_progress": {"total": 1, "cache": 0, "new": 5}}, [("prompt_progress", {"new": 5}, None)]),
        ({"obfuscation": "xx", "new": 5}, [("new", 5, None)]),
    ],
)
def test_what_nobody_models_around_the_choices(chunk: dict[str, Any], kept: list[Any]) -> None:
    """DESIGN 3: it is told at once where the answer has begun, and padding is not."""
    out: list[Event] = []
    started().take(chunk, [], out)

    assert extras(out) == kept


def test_what_is_kept_of_a_choice_has_its_index() -> None:
    """V13: also where it waits for the answer's name."""
    around, waiting, out = Around(None), list[Event](), list[Event]()
    around.keep({"new": 1}, 2, waiting)
    around.start({"id": "a"}, [], out)
    around.keep({"new": 2}, 2, out)

    assert waiting == []
    assert extras(out) == [("new", 1, 2), ("new", 2, 2)]
