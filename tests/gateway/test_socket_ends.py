"""What comes back when a websocket ends, whichever way: its answer, its places, and the socket itself."""

import socket
from typing import Any

import aiohttp
import anyio
import pytest

from tests.gateway.configured import backend, loaded
from tests.gateway.raw import port_of
from tests.gateway.serving import HI, gateway
from tests.gateway.test_events_socket import Socket, until_end
from tests.gateway.test_socket_session import closing, opened
from tests.gateway.until import until
from tokenweir.gateway import attendant, events_socket
from tokenweir.gateway.server import Server
from tokenweir.pipeline.clock import running_clock
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import script_of

pytestmark = pytest.mark.anyio

UPGRADE = (
    "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(text: bytes) -> bytes:
    """What a client sends, masked with nothing; fewer than 126 bytes."""
    return b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text


ASK = frame(b'{"messages":[{"role":"user","content":"Hi"}]}')


async def upgrade(peer: socket.socket, gate: Server) -> None:
    """A websocket that is not read."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    await anyio.to_thread.run_sync(peer.connect, ("127.0.0.1", port_of(gate)))
    peer.sendall(UPGRADE.encode())
    await anyio.to_thread.run_sync(peer.recv, 1)


def flood(peer: socket.socket) -> None:
    """Bad frames, until the other side takes no more of them, or has cut."""
    peer.settimeout(0.3)
    try:
        while True:
            peer.sendall(frame(b"[]") * 5000)
    except OSError:
        return


@pytest.mark.parametrize("busy", [False, True])
async def test_who_sends_and_never_reads_is_cut(monkeypatch: pytest.MonkeyPatch, *, busy: bool) -> None:
    """P14, D03: also where it is only told what was wrong, and beside an answer that is silent."""
    monkeypatch.setattr(attendant, "LOOK", 0.05)
    quirks = Quirks(fault="stall", fault_after=1)
    with socket.socket() as peer:
        async with Simulator(quirks) as server:
            config = backend("openai-compatible", server.url + "/v1", max_concurrent=1)
            limits = {"write_timeout_secs": 1.0, "max_streams": 1}
            async with gateway({**config, "limits": limits}) as gate:
                await upgrade(peer, gate)
                if busy:
                    peer.sendall(ASK)
                    await until(lambda: any(note.first_token for note in gate.gateway.live))
                await anyio.to_thread.run_sync(flood, peer)
                await until(lambda: not gate.gateway.beats)
                await until(lambda: not len(gate.gateway.live))
                assert gate.gateway.setup.backends["inference"].slots.taken == 0
                async with opened(gate) as ws:
                    await ws.send_json({"type": "cancel"})
            told = [(note.outcome, note.failure and note.failure.phase) for note in gate.gateway.live.recent]

    assert told == ([("timeout", "write")] if busy else [])


@pytest.mark.parametrize("how", ["close", "cut"])
@pytest.mark.parametrize("waits", [False, True])
async def test_a_client_that_leaves_gives_everything_back(how: str, *, waits: bool) -> None:
    """P10, P18: the place at its backend, or in the queue for it, its answer and its socket."""
    async with Simulator(Quirks(fault="stall", fault_after=1)) as server:
        config = backend("openai-compatible", server.url + "/v1", max_concurrent=1)
        async with gateway({**config, "limits": {"max_streams": 2}}) as gate, opened(gate) as first:
            slots = gate.gateway.setup.backends["inference"].slots
            await first.send_json(HI)
            while (await first.receive_json())["type"] != "delta":
                pass
            if waits:
                async with opened(gate) as second:
                    await second.send_json(HI)
                    assert (await second.receive_json())["name"] == "queued"
                    assert (slots.taken, slots.waiting) == (1, 1)
                    await leave(second, how)
                await until(lambda: len(gate.gateway.live) == 1)
                assert (slots.taken, slots.waiting) == (1, 0)
            await leave(first, how)
            await until(lambda: not len(gate.gateway.live))
            await server.until_idle()
            await until(lambda: len(gate.gateway.beats) == 0)
            assert (slots.taken, slots.waiting) == (0, 0)
            async with opened(gate), opened(gate):
                pass
        outcomes = {note.outcome for note in gate.gateway.live.recent}

    assert outcomes == {"cancelled"}


async def leave(ws: Socket, how: str) -> None:
    """End it politely, or as a process that is killed does."""
    transport = ws.get_extra_info("socket") if how == "cut" else None
    if transport is not None:
        transport.shutdown(socket.SHUT_RDWR)
    else:
        await ws.close()


async def test_a_drain_waits_for_the_answer_and_ends_the_socket() -> None:
    """P19: to its own end; then the code that says why, and nothing is held any more."""
    async with Simulator(Quirks(rate=200)) as server:
        config = backend("openai-compatible", server.url + "/v1", max_concurrent=1)
        async with gateway(config) as gate, opened(gate) as ws:
            slots = gate.gateway.setup.backends["inference"].slots
            await ws.send_json({**HI, "max_tokens": 20})
            while (await ws.receive_json())["type"] != "delta":
                pass
            async with anyio.create_task_group() as group:
                group.start_soon(gate.drain)
                assert (await until_end(ws))[-1]["outcome"] == "complete"
                assert await closing(ws) == 1012
            assert (slots.taken, len(gate.gateway.live)) == (0, 0)


async def test_a_drain_that_takes_too_long_ends_the_answer() -> None:
    """P19, P18: with an end that says why, and the backend is closed."""
    seen: list[dict[str, Any]] = []
    stalls = Simulator(Quirks(fault="stall", fault_after=1))
    async with stalls, aiohttp.ClientSession() as session, anyio.create_task_group() as group:
        config = backend("openai-compatible", stalls.url + "/v1", max_concurrent=1)
        gate = Server(loaded({**config, "server": {"drain_timeout_secs": 0.05}}), port=0)
        setup = gate.gateway.setup
        async with gate:
            ws = await session.ws_connect(gate.url + "/v1/stream")
            await ws.send_json(HI)
            while (await ws.receive_json())["type"] != "delta":
                pass

            async def read() -> None:
                seen.append((await until_end(ws))[-1])
                seen.append({"code": await closing(ws)})

            group.start_soon(read)
            await gate.drain()
        await stalls.until_idle()
        assert (setup.backends["inference"].slots.taken, len(gate.gateway.live)) == (0, 0)
        assert setup.unused.is_set()

    assert seen[0]["failure"]["kind"] == "shutting_down"
    assert seen[1] == {"code": 1012}


async def test_a_socket_that_nobody_reads_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """D11, P19: it is cut when it does not take its closing."""
    monkeypatch.setattr(events_socket, "CLOSE_PATIENCE", 0.2)
    big = Quirks(script=script_of(("x" * 2000 + " ") * 8000), rate=None)
    async with Simulator(big) as server:
        with socket.socket() as peer:
            async with gateway(backend("openai-compatible", server.url + "/v1")) as gate:
                await upgrade(peer, gate)
                peer.sendall(ASK)
                await until(lambda: any(note.writing for note in gate.gateway.live), 10)
                await anyio.wait_all_tasks_blocked()
                began = running_clock()()
            took = running_clock()() - began
        await server.until_idle()

    assert took < 4
    assert len(gate.gateway.live) == 0
