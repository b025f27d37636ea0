"""A protocol is told by its signs, however the bytes are framed and cut, or not at all."""

import json
from pathlib import Path

import pytest

from tests.contract.cases import every
from tests.wire import gemini_json_array, gemini_sse
from tests.wire.body import Body
from tokenweir.cli.recognise import LOOKED_AT, recognise

TRACES = Path(__file__).parents[3] / "shared" / "traces"
CHUNK = b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'
BEGINNING = 2048


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + CHUNK + b"\n\n",
        b"\xef\xbb\xbfdata: " + CHUNK + b"\n\n",
        b": ping\n\ndata: " + CHUNK,
        b'data: {"choices":[],"prompt_filter_results":[]}\n\ndata: ' + CHUNK + b"\n\n",
        b'{\n "object": "chat.completion",\n "choices": [{"message": {"content": "Hi"}}]\n}\n',
        b'data: {"object":"chat.completion.chunk","choices":[]}\r\n\r\n',
        b'data: {"choices":[{"delta":{"content":"\\ud83d"}}],"x":NaN}\n\n',
    ],
)
def test_openai_chat(body: bytes) -> None:
    """A stream or a whole answer, by its chunks' form."""
    assert recognise(body) == "openai-chat"


@pytest.mark.parametrize(
    ("body", "protocol"),
    [
        (b'data: {"object":"text_completion","choices":[{"text":"Hi"}]}\n\n', "openai-completions"),
        (b'event: response.created\ndata: {"type":"response.created"}\n\n', "openai-responses"),
        (b'event: message_start\ndata: {"type":"message_start"}\n\n', "anthropic"),
        (b'event: chat.start\ndata: {"type":"chat.start"}\n\n', "lmstudio-v1"),
        (b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}\n', "ollama-chat"),
        (b'{"model":"m","response":"Hi","done":false}\n', "ollama-generate"),
        (b'data: {"content":"Hi","stop":false}\n\n', "llamacpp-completion"),
        (gemini_sse.TEXT, "gemini-sse"),
        (gemini_sse.WHOLE, "gemini-sse"),
        (gemini_json_array.REFUSED, "gemini-json-array"),
        (b'  [{"candidates":[]', "gemini-json-array"),
        (b'{"error":{"code":404,"message":"m","status":"NOT_FOUND"}}', "gemini-sse"),
        (b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', "anthropic"),
    ],
)
def test_every_other_protocol(body: bytes, protocol: str) -> None:
    """Streams, whole answers, and errors where they tell."""
    assert recognise(body) == protocol


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"data: [DONE]\n\n",
        b'{"model":"m","message":{"role":"assistant","content":"Hi"}}\n',
        b'{"response":"Hi"}\n',
        b'data: {"choices":"none"}\n\n',
        b'data: [{"choices":1}]\n\n',
        b"data: \xff\n\n",
        b"data: {",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"]}{[\"'",
        b"event: \xff\n",
        b'{"error":{"message":"m","type":"invalid_request_error"}}',
    ],
)
def test_no_sign_is_no_guess(body: bytes) -> None:
    """V10, V11: bodies that say nothing, whatever they are."""
    assert recognise(body) is None


@pytest.mark.parametrize(
    ("body", "protocol"),
    [
        (b'data: {"choices":[{"index":0,"delta":{"content":"Hi, \\"th', "openai-chat"),
        (b'data: {"choices":[{"index":0,"text":"Hi","lo', None),
        (b'data: {"object":"text_completion","choices":[{"te', "openai-completions"),
        (b'event: response.created\r\ndata: {"resp', "openai-responses"),
        (b'data: {"response":{"id":"r","object":"response","instructions":"Be {[', "openai-responses"),
        (b"event: message_start\n", "anthropic"),
        (b'{"model":"m","created_at":"2026","message":{"role":"assistant","content":"H', "ollama-chat"),
        (b'{"model":"m","created_at":"2026","response":"H","d', "ollama-generate"),
        (b'[{\n  "candidates": [\n    {\n      "content": {"parts": [{"text": "H', "gemini-json-array"),
        (b': ping\n\ndata: {"candidates":[{"content":{"parts":[{"thoughtSignature":"AAAA', "gemini-sse"),
        (b'data: {"type":"ping"}\n\ndata: {"content":"a","stop":false,"tok', "llamacpp-completion"),
        (b'{"x":1}\n{"model":"m","response":"Hi","done":false,"con', "ollama-generate"),
    ],
)
def test_a_beginning_is_enough(body: bytes, protocol: str | None) -> None:
    """A recording may be cut in its first payload: what is there of it counts, and strings hide nothing."""
    assert recognise(body) == protocol


@pytest.mark.parametrize(("protocol", "body"), every(whole=True))
def test_a_cut_never_misleads(protocol: str, body: Body) -> None:
    """Whatever is there of an answer, it is its own protocol's or nobody's; all of it always tells."""
    beginnings = {recognise(body.wire[:at]) for at in range(0, len(body.wire), 13)}

    assert recognise(body.wire) == protocol
    assert beginnings <= {protocol, None}


def test_only_the_beginning_is_looked_at() -> None:
    """V05: a large body costs no more than its beginning, whatever stands in it."""
    long = json.dumps([{"candidates": [{"content": {"parts": [{"text": "x" * LOOKED_AT}]}}]}] * 3).encode()
    assert recognise(long) == "gemini-json-array"
    assert recognise(b"\n" * LOOKED_AT + CHUNK) is None
    for hostile in (b"[", b'{"a":', b'"', b" ", b"\\", b'"\\', b"\ndata: {", b"\n{", b"[]"):
        assert recognise(hostile * (LOOKED_AT // len(hostile))) is None


@pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this checkout")
def test_what_servers_really_sent() -> None:
    """Every recorded answer is known as what it speaks, whole and by its beginning."""
    bodies = {
        path: path.read_bytes()
        for folder in ("wire", "cumulative")
        for path in (TRACES / folder).glob("*.wire")
    }
    spoken = {
        path: path.name.partition("--")[0] if path.parent.name == "wire" else "openai-chat" for path in bodies
    }

    assert {path: recognise(body) for path, body in bodies.items()} == spoken
    assert {path: recognise(body[:BEGINNING]) for path, body in bodies.items()} == spoken
