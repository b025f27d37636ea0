"""How an answer ends that is broken off: one verdict each, and a client that can tell."""

import socket
from typing import Any

import anyio
import pytest

from tests.gateway.configured import backend
from tests.gateway.serving import CHAT, HI, gateway, post
from tests.gateway.until import until
from tokenweir.gateway.ending import failure_of
from tokenweir.gateway.server import Server
from tokenweir.pipeline.events import End, Event, Failure
from tokenweir.pipeline.protocols.openai_chat_encode import OpenAIChatEncode
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

STREAM: dict[str, Any] = {**HI, "model": "simulated-model", "stream": True}
PROMPTS = {"prompts": {"p": {"template": "Hi", "model": "simulated-model"}}}


def odd(*_: object) -> None:
    """What a plug-in may do."""
    msg = "sk-secret in odd places"
    raise KeyError(msg)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_bug_before_the_headers_is_a_status(monkeypatch: pytest.MonkeyPatch, *, stream: bool) -> None:
    """S10, P3: 500, which says nothing of it; and nobody left."""
    async with Simulator() as sim, gateway(backend("openai", sim.url)) as server:
        monkeypatch.setattr(server.gateway.setup.backends["inference"].source, "open", odd)
        got = await post(server.url + CHAT, {**STREAM, "stream": stream})
        [note] = server.gateway.live.recent

    assert (got.status, got.json["error"]["code"]) == (500, "stage")
    assert "secret" not in got.text
    assert (note.outcome, note.status, note.failure) == ("refused", 500, note.failure)
    assert note.failure is not None
    assert note.failure.kind == "stage"


async def test_a_bug_behind_the_headers_is_an_error_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    """P3, P19: the client has a true end, in the stream that has begun."""
    async with Simulator() as sim, gateway(backend("openai", sim.url) | PROMPTS) as server:
        monkeypatch.setattr(server.gateway.setup.backends["inference"].source, "open", odd)
        got = await post(f"{server.url}/api/prompts/execute/stream", {"promptId": "p"})
        [note] = server.gateway.live.recent

    assert got.status == 200
    assert [event["type"] for event in got.chunks] == ["start", "end"]
    assert got.chunks[-1]["error"]["code"] == "stage"
    assert "secret" not in got.text
    assert (note.outcome, note.end is not None) == ("error", True)


async def test_a_bug_in_every_frame_is_a_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """P19: where no frame can be written any more, there is no second response in the body of the first."""
    written = list[int]()
    feed = OpenAIChatEncode.feed

    def once(self: OpenAIChatEncode, items: list[Event]) -> list[bytes]:
        written.append(len(items))
        if len(written) > 1:
            odd()
        return feed(self, items)

    monkeypatch.setattr(OpenAIChatEncode, "feed", once)
    async with Simulator(Quirks(rate=200)) as sim, gateway(backend("openai", sim.url)) as server:
        stream = await anyio.connect_tcp("127.0.0.1", int(server.url.rpartition(":")[2]))
        body = b'{"model":"simulated-model","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
        head = f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        await stream.send(head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        got = b"".join([part async for part in stream])
        await stream.aclose()
        [note] = server.gateway.live.recent

    assert got.count(b"HTTP/1.1") == 1
    assert not got.endswith(b"0\r\n\r\n")
    assert note.outcome == "error"


async def unread(server: Server, peer: socket.socket) -> None:
    """Ask for a stream, and read nothing of it until the gateway cannot write any more."""
    body = b'{"model":"simulated-model","stream":true,"messages":[{"role":"user","content":"Hi"}]}'
    peer.sendall(
        f"POST {CHAT} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
        + body
    )
    await until(lambda: any(note.writing for note in server.gateway.live), 20)
    await anyio.wait_all_tasks_blocked()


def read_all(peer: socket.socket) -> bytes:
    """The rest, to the end."""
    parts = list[bytes]()
    while part := peer.recv(1 << 20):
        parts.append(part)
    return b"".join(parts)


async def test_a_slow_reader_gets_the_end_of_what_was_stopped() -> None:
    """P19: an answer that is stopped while its client is slow to take it waits for the write, and ends."""
    big = Quirks(script=script_of("word " * 400_000), rate=None)
    config = {"server": {"drain_timeout_secs": 0.05}}
    got = list[bytes]()
    async with Simulator(big) as sim:
        with socket.socket() as peer:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            async with gateway(backend("openai", sim.url) | config) as server:
                await anyio.to_thread.run_sync(
                    peer.connect, ("127.0.0.1", int(server.url.rpartition(":")[2]))
                )
                await unread(server, peer)
                await server.drain()
                [note] = server.gateway.live
                note.stop(Failure("shutting_down", "soon"))
                got.append(await anyio.to_thread.run_sync(read_all, peer))
        await sim.until_idle()

    assert got[0].endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert got[0].count(b'"code":"shutting_down"') == 1
    assert (note.outcome, note.failure) == ("error", Failure("shutting_down", "soon"))


def test_an_end_without_a_failure_came_too_early() -> None:
    """P3: it is none of the outcomes that are complete."""
    assert failure_of(None).kind == failure_of(End("truncated")).kind == "truncated"
    assert failure_of(End("error", Failure("auth", "no"))).kind == "auth"
