"""Where reasoning begins and ends in one choice's text, wherever it is cut."""

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.feeding import CUTS, pieces
from tokenweir.stages.reasoning_tags import TAGS, Place, Splitter, Tags

READY = Tags(TAGS)
THINK = Tags([("<think>", "</think>")])
FRAGMENTS = st.lists(
    st.sampled_from(["<think>", "</think>", "<thi", "</", "<", "a", "b c", " ", "\n", "`", "```", "think>"]),
    max_size=9,
).map("".join)


def split(
    text: str, cuts: list[int] | None = None, *, assumed: bool = False, tags: Tags = READY
) -> tuple[str, str]:
    """Reasoning and text of an answer, to its end."""
    splitter = Splitter(tags, assumed=assumed)
    found: list[tuple[Place, str]] = []
    for piece in pieces(list(text), cuts or []):
        found += splitter.feed("".join(piece))
    found += splitter.interrupt("pause")
    assert splitter.raw == text
    given_out: dict[str, str] = {"text": "", "reasoning": ""}
    for place, part in found:
        if place == "moved":
            given_out = {"reasoning": part, "text": ""}
        else:
            given_out[place] += part
    return given_out["reasoning"], given_out["text"]


@pytest.mark.parametrize(
    ("whole", "reasoning", "text"),
    [
        ("<think>Hm.</think>Yes", "Hm.", "Yes"),
        ("\n <think>\nHm.\n</think>\n\nYes", "\nHm.\n", "\n \n\nYes"),
        ("<think></think>Yes", "", "Yes"),
        ("<think>a</think>\n<think>b</think>Yes", "ab", "\nYes"),
        ("<think>a < b, </b></think>Yes", "a < b, </b>", "Yes"),
        ("<think>cut off", "cut off", ""),
        ("<think>cut</thi", "cut</thi", ""),
        ("Yes", "", "Yes"),
        ("<thi", "", "<thi"),
        ("<that>", "", "<that>"),
        ("Sure. <think>no</think> more", "", "Sure. <think>no</think> more"),
        ("<think>a</think>Yes <think>no</think>", "a", "Yes <think>no</think>"),
        ("<thinking>a</think>b</thinking>c", "a</think>b", "c"),
        ("<think>```\nx\n</think><think>say `</think>` so</think>Yes", "```\nx\nsay `</think>` so", "Yes"),
    ],
)
def test_blocks(whole: str, reasoning: str, text: str) -> None:
    """Blocks count where the text begins; anything later is what the model says."""
    assert {split(whole, [at]) for at in range(len(whole) + 1)} == {(reasoning, text)}
    assert split(whole, list(range(len(whole)))) == (reasoning, text)


@pytest.mark.parametrize(("opening", "closing"), TAGS)
def test_every_pair(opening: str, closing: str) -> None:
    """What models are known to write, cut at every place; with and without the opening tag."""
    whole = f"{opening}Hm.{closing}Yes"

    assert {split(whole, [at]) for at in range(len(whole) + 1)} == {("Hm.", "Yes")}
    assert split(f"Hm.{closing}Yes", assumed=True) == ("Hm.", "Yes")
    assert split(f"Hm.{closing}Yes", list(range(9))) == ("Hm.", "Yes")


@pytest.mark.parametrize(
    ("whole", "reasoning", "text"),
    [
        ("I see.\n</think>\nYes", "I see.\n", "\nYes"),
        ("I see.</think>Yes</think>", "I see.", "Yes</think>"),
        ("</think>Yes", "", "Yes"),
        ("\n</think></think>Yes", "", "\nYes"),
        ("Say `</think>` to close it.", "", "Say `</think>` to close it."),
        ("```\n</think>\n```\nso", "", "```\n</think>\n```\nso"),
        ("A stray ` here,\nand so.</think>Yes", "A stray ` here,\nand so.", "Yes"),
        ("It writes <think> and </think>.", "", "It writes <think> and </think>."),
        ("A ` and </think> and </think> too", "", "A ` and </think> and </think> too"),
        ("```\n</think>```\n</think>\n```\nso", "", "```\n</think>```\n</think>\n```\nso"),
        ("`</think>` is not it.\n</think>Yes", "`</think>` is not it.\n", "Yes"),
    ],
)
def test_a_closing_tag_that_nothing_opened(whole: str, reasoning: str, text: str) -> None:
    """All before it was reasoning, unless it is talked about."""
    assert {split(whole, [at]) for at in range(len(whole) + 1)} == {(reasoning, text)}


@pytest.mark.parametrize(
    ("whole", "reasoning", "text"),
    [
        ("Hm.</think>Yes", "Hm.", "Yes"),
        ("<think>Hm.</think>Yes", "Hm.", "Yes"),
        ("</think>Yes", "", "Yes"),
        ("\nHm.</seed:think>Yes", "\nHm.", "Yes"),
        ("I close it with `</think>` now.\n</think>Yes", "I close it with `</think>` now.\n", "Yes"),
        ("```python\nx = 1\n</think>Yes", "```python\nx = 1\n", "Yes"),
        ("never closed", "never closed", ""),
    ],
)
def test_a_text_that_begins_inside_reasoning(whole: str, reasoning: str, text: str) -> None:
    """Any closing tag ends it; an opening tag that comes after all is no text; a fence that the model
    could not close any more hides no tag."""
    assert {split(whole, [at], assumed=True) for at in range(len(whole) + 1)} == {(reasoning, text)}


@given(FRAGMENTS, CUTS, st.booleans())
@example(whole="a</think>", cuts=[1], assumed=False)
@example(whole="``</think>`", cuts=[1, 2, 3], assumed=False)
def test_any_cut(whole: str, cuts: list[int], assumed: bool) -> None:  # noqa: FBT001 - a hypothesis argument
    """P3: where the text is cut changes nothing."""
    assert split(whole, cuts, assumed=assumed) == split(whole, assumed=assumed)


@given(FRAGMENTS, st.booleans())
def test_nothing_but_tags_is_taken_out(whole: str, assumed: bool) -> None:  # noqa: FBT001 - as above
    """P1: what is left is what was sent, in order within each channel; what is missing is tags."""
    reasoning, text = split(whole, assumed=assumed, tags=THINK)
    missing = Counter(whole)
    missing.subtract(reasoning + text)
    closing = missing["/"]
    opening = missing["<"] - closing

    assert missing == Counter("<think>" * opening + "</think>" * closing) | Counter(dict.fromkeys(missing, 0))
    assert min(opening, closing) >= 0
    assert _is_subsequence(reasoning, whole)
    assert _is_subsequence(text, whole)


def _is_subsequence(part: str, whole: str) -> bool:
    signs = iter(whole)
    return all(sign in signs for sign in part)


@given(FRAGMENTS)
def test_only_a_possible_tag_waits(whole: str) -> None:
    """What waits is shorter than the longest tag."""
    splitter = Splitter(THINK, assumed=False)
    for sign in whole:
        splitter.feed(sign)
    waited = "".join([part for _, part in splitter.interrupt("pause")])

    assert waited == "" or any(tag.startswith(waited) for tag in ("<think>", "</think>"))


def test_what_waited_is_text_from_then_on() -> None:
    """It begins no tag any more, and it counts for what comes behind it."""
    for begin, rest in (("<thi", "<think>a</think>"), ("a <", "think> and </think>")):
        splitter = Splitter(THINK, assumed=False)
        out = splitter.feed(begin) + splitter.interrupt("pause") + splitter.feed(rest)
        assert {place for place, _ in out} == {"text"}
        assert "".join(part for _, part in out) == begin + rest


def test_after_a_tool_call_the_text_begins_anew() -> None:
    """It may begin with reasoning again, and nothing before it is taken back any more."""
    splitter = Splitter(READY, assumed=False)
    out = splitter.feed("I look.") + splitter.interrupt("tool call")
    out += splitter.feed("<think>Hm.</think>Yes</think>") + splitter.interrupt("pause")

    assert out == [("text", "I look."), ("reasoning", "Hm."), ("text", "Yes</think>")]


def test_a_backend_that_takes_reasoning_apart_is_trusted() -> None:
    """Then nothing is assumed, and a stray closing tag takes nothing back."""
    splitter = Splitter(READY, assumed=True)
    out = splitter.interrupt("trust") + splitter.feed("Yes") + splitter.feed(" </think> no")

    assert out == [("text", "Yes"), ("text", " </think> no")]
    assert not splitter.assumed


def test_trust_that_comes_late() -> None:
    """Text that was shown before the backend's own reasoning stays where it is."""
    splitter = Splitter(READY, assumed=False)
    out = splitter.feed("So") + splitter.interrupt("trust") + splitter.feed(".</think>Yes")

    assert out == [("text", "So"), ("text", ".</think>Yes")]


def test_interruptions_are_remembered_once() -> None:
    """P8: fragments of a tool call without text between them cost no memory."""
    splitter = Splitter(READY, assumed=False)
    for _ in range(1000):
        splitter.interrupt("tool call")
        splitter.interrupt("trust")

    assert splitter.breaks == [(0, "tool call"), (0, "trust")]
