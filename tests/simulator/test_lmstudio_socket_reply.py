"""The messages of one channel of LM Studio's websocket, simulated."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.feeding import run_bytes
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, Phase, ToolDelta, Usage
from tokenweir.simulator.ask import Ask, Function, Message, Tool
from tokenweir.simulator.lmstudio_socket_reply import Sent, load_messages, prediction_messages, stopped
from tokenweir.simulator.quirks import Quirks, ToolCall
from tokenweir.simulator.text import script_of
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

CHAIN = decode_frames("lmstudio-native") | decode_protocol("lmstudio-native")
AB = script_of("a b")
LOOK = ToolCall("look", '{"at":"sky"}')


def quirks(**switches: Any) -> Quirks:
    """A backend that says `a b`."""
    made: Any = {"script": AB, **switches}
    return Quirks(provider="lmstudio", **made)


def said(found: Iterable[Sent]) -> list[Event]:
    """What a client reads, Extras apart."""
    lines = [
        {"type": "channelClose", "channelId": 1}
        if sent.message is None
        else {"type": "channelSend", "channelId": 1, "message": sent.message}
        for sent in found
    ]
    events = run_bytes(CHAIN, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return [event for event in events if not isinstance(event, Extra)]


def ask(**more: Any) -> Ask:
    """A request; the tool may be called."""
    return Ask([Message("user", "Hi")], "m", stream=True, tools=[Tool(Function("look"))], **more)


def test_a_cold_load() -> None:
    """Twice a second, from its start to its end, in the words of either channel."""
    got = list(load_messages("m", quirks(load_seconds=1.0), 1.0, named="get"))
    new = list(load_messages("m", quirks(load_seconds=1.0), 1.0, named="load"))

    assert [(sent.at, sent.message and sent.message["type"]) for sent in got] == [
        (0.0, "startLoading"),
        (0.0, "loadProgress"),
        (0.5, "loadProgress"),
        (1.0, "loadSuccess"),
        (1.0, None),
    ]
    assert [sent.message and sent.message["type"] for sent in new] == [
        "resolved",
        "progress",
        "progress",
        "success",
        None,
    ]
    assert said(got) == [Phase("loading", 0.0), Phase("loading", 0.5), Phase("loading", 1.0)]
    assert [
        sent.message and sent.message["type"] for sent in load_messages("m", quirks(), 0.0, named="get")
    ] == [
        "alreadyLoaded",
        None,
    ]


def test_an_answer() -> None:
    """Prefill, reasoning without its tags, text, figures."""
    found = list(prediction_messages(ask(), quirks(reasoning="Hm", prefill_seconds=1.0, rate=2.0), "m"))
    events = said(found)

    assert [event for event in events if isinstance(event, Phase)] == [
        Phase("prefill", 0.0),
        Phase("prefill", 0.5),
        Phase("prefill", 1.0),
    ]
    assert [event for event in events if isinstance(event, Delta)] == [
        Delta("Hm", "reasoning"),
        Delta("a"),
        Delta(" b"),
    ]
    assert events[-3:] == [Finish("stop", "eosFound"), Usage(9, 3, 12), Done()]
    assert [sent.at for sent in found if sent.token] == [1.0, 1.5, 2.0]


def test_a_call() -> None:
    """In pieces, and whole at the end; one that a limit cut is no call, and is said to have failed."""
    whole = list(prediction_messages(ask(), quirks(tool=LOOK), "m"))
    cut = [s.message for s in prediction_messages(ask(max_tokens=2), quirks(tool=LOOK), "m") if s.message]
    calls = [event for event in said(whole) if isinstance(event, ToolDelta)]

    assert (calls[0].id, calls[0].name) == ("call_0", "look")
    assert "".join(call.arguments for call in calls) == LOOK.arguments
    assert Finish("tool_calls", "toolCalls") in said(whole)
    assert "toolCallGenerationFailed" in [message["type"] for message in cut]


def test_a_cumulative_one() -> None:
    """Each fragment has all the text so far."""
    found = prediction_messages(ask(), quirks(cumulative=True), "m")

    assert [event.text for event in said(found) if isinstance(event, Delta)] == ["a", "a b"]


def test_who_cancels_gets_a_last_word() -> None:
    """It is a success of its kind."""
    events = said([Sent(0.0, stopped("m"))])

    assert isinstance(events[-1], Done)
    assert events[-1].failure is not None
    assert events[-1].failure.kind == "cancelled"


@pytest.mark.parametrize(
    ("fault", "kind", "ending"),
    [
        ("error", "model_crashed", "complete"),
        ("no-end", "truncated", "complete"),
        ("no-finish", "truncated", "complete"),
        ("cut", None, "fin"),
        ("reset", None, "rst"),
        ("stall", None, "stall"),
    ],
)
def test_faults(fault: str, kind: str | None, ending: str) -> None:
    """Each breaks the answer, and nothing comes behind it."""
    found = list(prediction_messages(ask(), quirks(fault=fault, fault_after=1), "m"))

    assert found[-1].message is None
    assert found[-1].ending == ending
    if kind is not None:
        done = said(found)[-1]
        assert isinstance(done, Done)
        assert done.failure is not None
        assert done.failure.kind == kind
