"""One item, and its texts held against their wholes."""

import tracemalloc
from itertools import islice
from typing import Any

import pytest

from tokenweir.pipeline.protocols.openai_responses_item import Item, Text, whole_of


def text(*deltas: str) -> Text:
    """A text of these deltas."""
    made = Text()
    for delta in deltas:
        made.say(delta)
    return made


@pytest.mark.parametrize(
    ("deltas", "whole", "agrees"),
    [
        (["a", "b"], "ab", True),
        (["a", "b"], "abc", False),
        (["a", "b"], "a", False),
        (["a", "ab"], "ab", True),  # every delta resends everything
        ([], "", True),
        (["\U0001f600"], "\ud83d\ude00", True),
    ],
)
def test_agreement(deltas: list[str], whole: str, *, agrees: bool) -> None:
    """The deltas are the whole, or the last one is; nothing is kept afterwards, and the answer is the
    same again."""
    made = text(*deltas)

    assert made.agrees(whole, json=False) == agrees
    assert made.kept is None
    assert made.agrees(whole, json=False)
    assert not agrees or not whole or not made.agrees(f"{whole}!", json=False)


def test_json_agrees_by_its_value() -> None:
    """White space and the order of keys say nothing; text that is no JSON is compared as text."""
    assert text('{"a": 1, "b": 2}').agrees('{"b":2,"a":1}', json=True)
    assert not text('{"a": 1}').agrees('{"a":2}', json=True)
    assert not text("SELECT 1").agrees("SELECT 2", json=True)
    assert not text("[" * 100_000).agrees("[" * 99_999, json=True)


def test_what_cannot_be_told_agrees() -> None:
    """Text that was dropped, and text that went on after its whole."""
    dropped, late = text("a"), text("a")
    dropped.drop()
    assert late.agrees("a", json=False)
    late.say("b")

    assert dropped.agrees("x", json=False)
    assert late.agrees("x", json=False)
    assert late.size == 2


def test_equals_keeps_what_it_looks_at() -> None:
    """It is only a look."""
    made = text("a", "b")

    assert made.equals("ab")
    assert not made.equals("ba")
    assert made.agrees("ab", json=False)
    assert made.equals("ab")
    assert not made.equals("a")


def test_places() -> None:
    """An index that is not told is the latest; a list of wholes goes by order."""
    item = Item(0, "msg_0", "message", 0)
    for index in (3, 1):
        item.texts["text", index] = text("a")
        item.latest["text"] = index

    assert (item.place("text", None), item.place("text", 0), item.place("refusal", None)) == (1, 0, 0)
    assert list(islice(item.places("text"), 4)) == [1, 3, 4, 5]
    assert list(islice(item.places("refusal"), 2)) == [0, 1]


def test_reasoning_as_both_kinds() -> None:
    """Only reasoning has another kind, and only the same text is the same."""
    item = Item(0, "rs_0", "reasoning", 0)
    item.texts["reasoning", 0] = text("Hm.")
    item.texts["text", 0] = text("Hi.")

    assert item.has_said("summary", 0, "Hm.")
    assert not item.has_said("summary", 0, "Oh.")
    assert not item.has_said("summary", 1, "Hm.")
    assert not item.has_said("refusal", 0, "Hi.")


@pytest.mark.parametrize(("kind", "takes"), [("", True), ("function_call", True), ("mcp_call", False)])
def test_arguments_of_the_server_s_own_tools(kind: str, *, takes: bool) -> None:
    """They are not for the caller."""
    assert Item(0, "", kind, None).takes_arguments == takes


@pytest.mark.parametrize(
    ("part", "told"),
    [
        ({"type": "output_text", "text": "a"}, ("text", "a")),
        ({"type": "refusal", "refusal": "a"}, ("refusal", "a")),
        ({"type": "reasoning_text", "text": "a"}, ("reasoning", "a")),
        ({"type": "summary_text", "text": 7}, ("summary", "")),
        ({"type": "image"}, None),
        ({"type": ["output_text"]}, None),
        ({}, None),
    ],
)
def test_parts(part: dict[str, Any], told: tuple[str, str] | None) -> None:
    """Which text a part is."""
    assert whole_of(part) == told


def test_kept_as_characters() -> None:
    """P8: a hundred thousand small deltas are held as their characters, and not each as an object."""
    text = Text()
    tracemalloc.start()
    try:
        for number in range(100_000):
            text.say(f"{number % 100:02}")
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert text.size == 200_000
    assert held < 3 * 200_000
    assert text.agrees("".join(f"{number % 100:02}" for number in range(100_000)), json=False)
