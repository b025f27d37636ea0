"""Where frames stand, which is the last word, and what an error looks like: for every protocol."""

from typing import Any

import pytest

from tokenweir.pipeline.events import Done, Event
from tokenweir.pipeline.sources.playback_frames import ERRORS, MESSAGE, frames_of, is_end_marker
from tokenweir.stages.decode_protocol import PROTOCOLS, decode_frames, decode_protocol

MARKERS = {
    "anthropic": b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    "llamacpp-completion": b'data: {"content":"","stop":true}\n\n',
    "lmstudio-native": b'{"type":"channelSend","channelId":2,"message":{"type":"success","stats":{}}}\n',
    "lmstudio-v1": b'event: chat.end\ndata: {"type":"chat.end","result":{}}\n\n',
    "ollama-chat": b'{"model":"m","message":{"content":""},"done":true}\n',
    "ollama-generate": b'{"model":"m","response":"","done":true}\n',
    "openai-chat": b"data: [DONE]\n\n",
    "openai-completions": b"data: [DONE]\r\n\r\n",
    "openai-responses": b'event: response.completed\ndata: {"type":"response.completed"}\n\n',
}
"""The last frame of each protocol that has one."""

WITHOUT = {"gemini-json-array", "gemini-sse"}
"""Protocols without an end marker."""


@pytest.mark.parametrize(
    ("body", "protocol", "frames"),
    [
        (b"", "openai-chat", []),
        (b"data: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata: 4", "openai-chat", [9, 20, 29, 36]),
        (b"data: 1\r\ndata: 2\r\n\n", "openai-chat", [19]),
        (b": ping\n\n\n\ndata: 1\n\n", "openai-chat", [8, 10, 19]),
        (b'{"a":1}\r\n{"b":2}\n{"c"', "ollama-chat", [9, 17, 21]),
    ],
)
def test_where_frames_end(body: bytes, protocol: str, frames: list[int]) -> None:
    """However lines end; nothing of the body stands between two frames."""
    found = list(frames_of(body, protocol))

    assert [end for _, end in found] == frames
    assert [begin for begin, _ in found] == [0, *frames][: len(frames)]


@pytest.mark.parametrize("protocol", MARKERS)
def test_the_last_word(protocol: str) -> None:
    """Each protocol's own, and no other frame of it."""
    assert is_end_marker(MARKERS[protocol], protocol)
    other = (
        b'{"done":false,"type":"ping"}\n' if "ollama" in protocol else b'data: {"type":["x"],"stop":0}\n\n'
    )
    assert not is_end_marker(other, protocol)
    assert not is_end_marker(b"data: {not JSON\n\n", protocol)
    assert not is_end_marker(b'data: "[DONE]"\n\n', protocol)


def test_no_protocol_is_forgotten() -> None:
    """A protocol that comes later says how it ends, and how it fails, or that it cannot."""
    assert set(PROTOCOLS) <= MARKERS.keys() | WITHOUT
    assert set(PROTOCOLS) - ERRORS.keys() <= {"gemini-json-array"}


@pytest.mark.parametrize("protocol", sorted(ERRORS.keys() & PROTOCOLS.keys()))
def test_an_error_is_read_as_one(protocol: str) -> None:
    """U04: the protocol's own decoder takes it for a failure of the backend's, with its message."""
    core: Any = (decode_frames(protocol) | decode_protocol(protocol)).core()
    events: list[Event] = [*core.feed([ERRORS[protocol]]), *core.finish()]

    [done] = [event for event in events if isinstance(event, Done)]
    assert done.failure is not None
    assert MESSAGE in done.failure.message
