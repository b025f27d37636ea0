"""The answer's events and their times."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest

from tests.simulator.raw import PROMPT
from tokenweir.pipeline.events import Delta, Done, Event, Finish, Snapshot, Start, ToolDelta, Usage
from tokenweir.simulator.answer import CREATED, Answer, Step
from tokenweir.simulator.ask import Ask
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.text import FOUNDING, script_of

THREE = script_of("one two three")
TOOLS = [{"type": "function", "function": {"name": "look"}}]
LOOK = ToolCall("look", '{"at": 1}')


def steps(quirks: Quirks, begin: float = 0.0, **fields: Any) -> list[Step]:
    """What happens for a request with the given fields."""
    ask = msgspec.convert({"messages": PROMPT} | fields, Ask)
    return list(Answer(ask, quirks, "chatcmpl-1", "m").steps(begin))


def events(quirks: Quirks, **fields: Any) -> list[Event]:
    """The events alone."""
    return [step.event for step in steps(quirks, **fields)]


def test_a_plain_answer() -> None:
    """Start, the tokens as deltas, one finish, the figures, the end: in the order of OpenAI's stream."""
    assert events(Quirks(script=THREE)) == [
        Start("chatcmpl-1", "openai", "m", CREATED),
        Delta("one"),
        Delta(" two"),
        Delta(" three"),
        Finish("stop"),
        Usage(12, 3, 15),
        Done(),
    ]


def test_tokens_come_at_the_rate() -> None:
    """The first at once, each next one a step later, the finish after the turn of the last: no drift."""
    times = [(step.at, type(step.event)) for step in steps(Quirks(script=THREE, rate=4), begin=10.0)]

    assert times == [
        (10.0, Start),
        (10.0, Delta),
        (10.25, Delta),
        (10.5, Delta),
        (10.75, Finish),
        (10.75, Usage),
        (10.75, Done),
    ]


def test_cumulative_resends_everything() -> None:
    """V18: the founding text as its report shows it, and one token counted for each resend."""
    found = events(Quirks(script=FOUNDING, cumulative=True))

    assert [event.text for event in found if isinstance(event, Snapshot)][:3] == ["I", "I am", "I am an"]
    assert not any(isinstance(event, Delta) for event in found)
    assert Usage(12, 52, 64) in found


@pytest.mark.parametrize("cumulative", [False, True])
def test_the_final_repeat_comes_before_the_finish(*, cumulative: bool) -> None:
    """PROTOCOLS 8.2.1: one last chunk has the whole text; it is no token and is not counted."""
    found = steps(Quirks(script=THREE, final_repeat=True, cumulative=cumulative))

    assert found[4] == Step(0.0, Snapshot("one two three"))
    assert found[5].event == Finish("stop")
    assert found[6].event == Usage(12, 3, 15)


@pytest.mark.parametrize(
    ("limit", "text", "reason"),
    [(2, "one two", "length"), (3, "one two three", "stop"), (9, "one two three", "stop")],
)
def test_max_tokens_ends_it_early(limit: int, text: str, reason: str) -> None:
    """V22: `length` where tokens were left out, and only there."""
    found = events(Quirks(script=THREE, final_repeat=True), max_tokens=limit)

    assert "".join(event.text for event in found if isinstance(event, Delta)) == text
    assert Snapshot(text) in found
    assert [event.reason for event in found if isinstance(event, Finish)] == [reason]


def test_choices_are_interleaved() -> None:
    """V13: the same token of each choice in turn; one finish each; all are counted."""
    found = events(Quirks(script=script_of("a b")), n=2)

    assert found[1:7] == [
        Delta("a"),
        Delta("a", index=1),
        Delta(" b"),
        Delta(" b", index=1),
        Finish("stop"),
        Finish("stop", index=1),
    ]
    assert found[7] == Usage(12, 4, 16)


def test_reasoning_comes_first() -> None:
    """Its own channel, counted as output and by itself; the limit holds for both together."""
    quirks = Quirks(script=THREE, reasoning="Well now")
    found = events(quirks)

    assert found[1:4] == [Delta("Well", "reasoning"), Delta(" now", "reasoning"), Delta("one")]
    assert Usage(12, 5, 17, reasoning=2) in found
    assert Usage(12, 1, 13, reasoning=1) in events(quirks, max_tokens=1)
    assert Finish("length") in events(quirks, max_tokens=1)


def test_each_channel_is_cumulative_by_itself() -> None:
    """PROTOCOLS 8.2.4: the text does not repeat the reasoning."""
    found = events(Quirks(script=script_of("a b"), reasoning="x y", cumulative=True))

    assert [(e.channel, e.text) for e in found if isinstance(e, Snapshot)] == [
        ("reasoning", "x"),
        ("reasoning", "x y"),
        ("text", "a"),
        ("text", "a b"),
    ]


def test_an_offered_tool_is_called() -> None:
    """Id and name once and first, then the arguments in fragments, no text, and `tool_calls` at the end."""
    found = events(Quirks(tool=LOOK), tools=TOOLS)
    calls = [event for event in found if isinstance(event, ToolDelta)]

    assert calls[0] == ToolDelta(0, "call_0", "look")
    assert len(calls) > 3
    assert "".join(call.arguments for call in calls) == LOOK.arguments
    assert Finish("tool_calls") in found
    assert not any(isinstance(event, Delta) for event in found)


def test_a_tool_that_is_not_offered_is_not_called() -> None:
    """The text is said instead."""
    found = events(Quirks(script=THREE, tool=LOOK))

    assert found == events(Quirks(script=THREE))


def test_arguments_may_be_cumulative_and_repeated() -> None:
    """PROTOCOLS 8.1: arguments so far in each chunk, and the whole of them once more."""
    found = events(Quirks(tool=LOOK, cumulative=True, final_repeat=True), tools=TOOLS)
    resends = [event for event in found if isinstance(event, Snapshot)]

    assert {(resend.channel, resend.call) for resend in resends} == {("tool", 0)}
    assert [resend.text for resend in resends[-2:]] == [LOOK.arguments] * 2
    assert all(after.text.startswith(before.text) for before, after in pairwise(resends))


def test_an_empty_script_is_a_finish_without_text() -> None:
    """A finish without text is a whole answer (no final repeat of nothing)."""
    found = events(Quirks(script=script_of(""), final_repeat=True))

    assert [type(event) for event in found] == [Start, Finish, Usage, Done]
