"""Protocols are found by name."""

from collections.abc import Callable
from importlib import import_module

import pytest

from tests.chat import chunk, item
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Delta, Done, SSEEvent, Start
from tokenweir.stages import decode_protocol
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS, decode_frames

NDJSON = {"gemini-json-array", "lmstudio-native", "ollama-chat", "ollama-generate"}
"""Protocols whose payloads are lines of JSON (PROTOCOLS 1); all others are server-sent events."""


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_is_there(name: str) -> None:
    """DESIGN 8: each name of the table makes a decoder."""
    module, _, attribute = PROTOCOLS[name].partition(":")
    stage = decode_protocol(name)

    assert hasattr(import_module(module), attribute)
    assert (stage.name, stage.takes, stage.gives) == (f"decode_protocol({name})", "wire", "events")
    assert stage.core().feed([]) == []


def test_cores_share_nothing() -> None:
    """DESIGN 4: a stage is a recipe; each stream has its own core."""
    stage = decode_protocol("openai-chat")
    one, other = stage.core(), stage.core()

    assert one.feed([item(chunk(content="Hi"))]) == other.feed([item(chunk(content="Hi"))])


@pytest.mark.parametrize("make", [decode_protocol, decode_frames])
def test_no_such_protocol(make: Callable[[str], object]) -> None:
    """Options are checked when the stage is made; the message has the names that there are."""
    with pytest.raises(MisuseError, match=r"'openai'.*anthropic, .*openai-chat"):
        make("openai")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_has_its_framing(name: str) -> None:
    """The same payload, framed as the protocol frames it, is read as one payload."""
    framed = b'{"a":1}\n' if name in NDJSON else b'data: {"a":1}\n\n'

    assert FRAMING.keys() == PROTOCOLS.keys()
    assert list(decode_frames(name).core().feed([framed])) == [SSEEvent(b'{"a":1}')]


def test_strict_framing_is_asked_for() -> None:
    """`strict` reads two values in one event as the standard says, and the default as backends mean
    them; lines of JSON know neither."""
    body = b'data: {"a":1}\ndata: {"b":2}\n\n'

    assert len(list(decode_frames("openai-chat").core().feed([body]))) == 2
    assert len(list(decode_frames("openai-chat", strict=True).core().feed([body]))) == 1
    assert len(list(decode_frames("ollama-chat", strict=True).core().feed([b'{"a":1}\n{"b":2}\n']))) == 2


def test_options_arrive() -> None:
    """DESIGN 5: the provider's name is in `Start`; a backend without finish reasons may end so."""
    stage = decode_protocol("openai-chat", provider="there", finish_required=False)
    out = stage.core().feed([item(chunk(content="Hi")), item(b"[DONE]")])

    assert out == [Start("a", "there", "m", 7), Delta("Hi"), Done()]


def test_a_finish_reason_is_required() -> None:
    """P2: if not told otherwise, an end marker without a finish reason is an answer cut off."""
    for stage in (decode_protocol("openai-chat"), decode_protocol("openai-chat", finish_required=True)):
        done = stage.core().feed([item(chunk(content="Hi")), item(b"[DONE]")])[-1]

        assert isinstance(done, Done)
        assert done.failure is not None
        assert done.failure.kind == "truncated"
