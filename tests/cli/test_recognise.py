"""A protocol is told by its signs, or not at all."""

from pathlib import Path

import pytest

from tokenweir.cli.recognise import recognise

TRACES = Path(__file__).parents[3] / "shared" / "traces" / "wire"
KNOWN = {"ollama-chat", "ollama-generate", "openai-chat"}
CHUNK = b'{"choices":[{"index":0,"delta":{"content":"Hi"}}]}'


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + CHUNK + b"\n\n",
        b": ping\n\ndata: " + CHUNK,
        b'data: {"choices":[],"prompt_filter_results":[]}\n\ndata: ' + CHUNK + b"\n\n",
        b'{\n "object": "chat.completion",\n "choices": [{"message": {"content": "Hi"}}]\n}\n',
        b'data: {"object":"chat.completion.chunk","choices":[]}\r\n\r\n',
    ],
)
def test_openai_chat(body: bytes) -> None:
    """A stream or a whole answer, by its chunks' form."""
    assert recognise(body) == "openai-chat"


@pytest.mark.parametrize(
    ("body", "protocol"),
    [
        (b'{"model":"m","message":{"role":"assistant","content":"Hi"},"done":false}\n', "ollama-chat"),
        (b'{"model":"m","response":"Hi","done":false}\n', "ollama-generate"),
    ],
)
def test_ollama(body: bytes, protocol: str) -> None:
    """Its two endpoints differ in where the text stands."""
    assert recognise(body) == protocol


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"data: [DONE]\n\n",
        b'data: {"object":"text_completion","choices":[{"text":"Hi"}]}\n\n',
        b'data: {"type":"message_start","message":{"role":"assistant"}}\n\n',
        b'{"model":"m","message":{"role":"assistant","content":"Hi"}}\n',
        b'{"response":"Hi"}\n',
        b'data: {"choices":"none"}\n\n',
        b'data: [{"choices":1}]\n\n',
        b"data: \xff\n\n",
    ],
)
def test_no_sign_is_no_guess(body: bytes) -> None:
    """Other protocols, and bodies that say nothing."""
    assert recognise(body) is None


@pytest.mark.skipif(not TRACES.is_dir(), reason="no traces beside this checkout")
def test_what_servers_really_sent() -> None:
    """Of every recorded answer, those and only those that speak it."""
    bodies = {path.name: path.read_bytes() for path in TRACES.glob("*.wire")}
    found = {name: recognise(body) for name, body in bodies.items()}
    spoken = {name: name.partition("--")[0] for name in bodies}

    assert found == {name: protocol if protocol in KNOWN else None for name, protocol in spoken.items()}
