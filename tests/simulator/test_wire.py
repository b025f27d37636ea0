"""Each quirk and fault on a real socket, its bytes compared."""

import msgspec
import pytest

from tests.simulator.raw import STREAM, Raw, post, talk
from tokenweir.pipeline.protocols.openai_chat_encode import DONE
from tokenweir.simulator.faults import HALVES, NOT_UTF8
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import FAULTS, Quirks
from tokenweir.simulator.reply import reply_to
from tokenweir.simulator.server import Simulator
from tokenweir.simulator.text import FOUNDING, script_of

pytestmark = pytest.mark.anyio
TEXT = script_of("one two three four five")
AFTER = 2
ENDS = {"cut": "fin", "reset": "rst"}


@pytest.fixture
def anyio_backend() -> str:
    """aiohttp runs on asyncio alone."""
    return "asyncio"


async def play(quirks: Quirks) -> Raw:
    """One stream, read to its end."""
    async with Simulator(quirks) as server:
        return await post(server.url, STREAM)


@pytest.mark.parametrize("fault", [None, *(fault for fault in FAULTS if fault != "stall")])
async def test_the_wire_has_what_was_decided(fault: str | None) -> None:
    """U07, U08: each write of the reply is one chunk on the socket, and the end is as asked."""
    quirks = Quirks(script=TEXT, fault=fault, fault_after=AFTER, load_seconds=0.01)
    raw = await play(quirks)
    decided = reply_to(msgspec.json.encode(STREAM), quirks, Loads(0.01), 0.0, "chatcmpl-1")

    assert raw.status == decided.status
    assert raw.end == ENDS.get(fault or "", "whole")
    assert raw.writes == [frame.data for frame in decided.frames]
    assert {name.lower(): value for name, value in decided.headers.items()}.items() <= raw.headers.items()


@pytest.mark.parametrize(
    ("fault", "last"),
    [
        (None, DONE),
        ("error", DONE),
        ("no-finish", DONE),
        ("no-done", b'"finish_reason":"stop"}]}\n\n'),
        ("no-end", b'"content":" five"},"logprobs":null,"finish_reason":null}]}\n\n'),
        ("reset", b'"content":" two"},"logprobs":null,"finish_reason":null}]}\n\n'),
        ("crlf", b"data: [DONE]\r\n\r\n"),
        ("text-after-end", b'"content":" after the end"},"logprobs":null,"finish_reason":null}]}\n\n'),
        ("html", b"</body></html>\n"),
    ],
)
async def test_how_the_body_ends(fault: str | None, last: bytes) -> None:
    """V17: the last bytes, written out here, so that this does not lean on the simulator's own encoder."""
    raw = await play(Quirks(script=TEXT, fault=fault, fault_after=AFTER))

    assert raw.body.endswith(last)
    assert raw.status == 200


async def test_an_empty_stream_is_headers_and_an_end() -> None:
    """V17, P2: as llama-cpp-python without messages: 200, an event stream, and not one event."""
    raw = await play(Quirks(fault="empty"))

    assert (raw.status, raw.headers["content-type"], raw.body, raw.end) == (
        200,
        "text/event-stream",
        b"",
        "whole",
    )


async def test_a_cut_frame_is_half_a_frame() -> None:
    """U07: FIN in the middle of a `data:` line, after two whole tokens."""
    raw = await play(Quirks(script=TEXT, fault="cut", fault_after=AFTER))

    assert raw.body.count(b"\n\n") == AFTER + 1, "the role, and two tokens"
    assert raw.frames[-1].startswith(b'data: {"id":"chatcmpl-1"')
    assert not raw.body.endswith(b"\n")


@pytest.mark.parametrize(("fault", "said"), [("invalid-utf8", [NOT_UTF8]), ("half-surrogate", list(HALVES))])
async def test_broken_text_is_broken_on_the_wire(fault: str, said: list[bytes]) -> None:
    """V08, V09: the bytes of the JSON strings."""
    raw = await play(Quirks(script=TEXT, fault=fault, fault_after=AFTER))
    contents = [frame.partition(b'"content":"')[2].partition(b'"}')[0] for frame in raw.frames]

    assert contents[1:-2] == [b"one", b" two", *said, b" three", b" four", b" five"]


async def test_a_stall_is_silence() -> None:
    """U06: two tokens, then neither bytes nor an end."""
    async with Simulator(Quirks(script=TEXT, fault="stall", fault_after=AFTER)) as server:
        got = b""
        async with talk(server.url, STREAM) as connection:
            while b" two" not in got:
                got += await connection.receive()
            assert server.active == 1
        await server.until_idle()

        assert b" three" not in got
        assert server.log[-1].outcome == "client_left"


async def test_every_byte_is_its_own_write() -> None:
    """V01: one byte in every HTTP chunk."""
    raw = await play(Quirks(script=TEXT, byte_split=True))
    whole = await play(Quirks(script=TEXT))

    assert {len(write) for write in raw.writes} == {1}
    assert raw.body == whole.body


async def test_cumulative_is_the_founding_report() -> None:
    """V18: each of the 52 chunks has everything so far, the slip included."""
    raw = await play(Quirks(script=FOUNDING, cumulative=True))
    chunks = [msgspec.json.decode(frame[6:]) for frame in raw.frames[1:-2]]

    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == [
        FOUNDING.snapshot(at) for at in range(52)
    ]


async def test_a_silent_load_holds_the_headers_back() -> None:
    """U05: LM Studio's way: the first byte of all comes after the load."""
    async with Simulator(Quirks(provider="lmstudio", load_seconds=0.05)) as server:
        await post(server.url, STREAM)
        exchange = server.log[-1]

        assert 0.05 <= exchange.ended - exchange.started < 1


async def test_keep_alives_open_the_stream_at_once() -> None:
    """P16: headers and comments while it loads; no client takes them for text."""
    raw = await play(Quirks(load_seconds=0.05, keep_alive=0.02))

    assert raw.frames[:3] == [b": loading 0.00", b": loading 0.40", b": loading 0.80"]
    assert raw.frames[3].startswith(b"data: ")


async def test_an_old_client_gets_a_body_that_ends_by_closing() -> None:
    """D16: HTTP/1.0 knows no chunks, so nothing but the connection's end is the end."""
    async with Simulator(Quirks(script=TEXT)) as server:
        raw = await post(server.url, STREAM, "1.0")
        modern = await post(server.url, STREAM)

    assert "transfer-encoding" not in raw.headers
    assert raw.end == "fin"
    assert raw.body == modern.body.replace(b"chatcmpl-2", b"chatcmpl-1")
