"""A text held against its whole."""

import tracemalloc

import pytest

from tokenweir.pipeline.protocols.verified_text import Text


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


def test_what_may_be() -> None:
    """What is not known to be another text: the same one, and one that cannot be told."""
    dropped = text("a")
    dropped.drop()

    assert text("a").may_be("a")
    assert not text("a").may_be("b")
    assert dropped.may_be("b")


def test_ended_by_its_whole() -> None:
    """Whatever the whole says."""
    assert not text("a").ended
    for whole in ("a", "b"):
        made = text("a")
        made.agrees(whole, json=False)
        assert made.ended


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


def test_a_difference_is_told_once() -> None:
    """P1: what was not its whole is not known to be any text, so no further whole differs from it."""
    made = text("a")

    assert not made.agrees("b", json=False)
    assert made.agrees("c", json=False)
    assert made.may_be("c")
    assert not made.equals("b")
