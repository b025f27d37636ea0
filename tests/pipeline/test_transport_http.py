"""Whatever a peer sends in the place of HTTP: answered clearly, in time, and without losing text."""

import gzip
import itertools
import socket
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from shutil import which
from threading import Thread
from typing import Any

import anyio
import pytest

from tests.reader import Heard, hear
from tests.servers import LAST_CHUNK, Script, Visit, head, http_chunk, raw, reply, serve, settle
from tests.transcripts import HELLO, text
from tokenweir import Deadlines, Pipeline, connect
from tokenweir.pipeline.errors import BackendError, DeadlineError, UnreachableError
from tokenweir.pipeline.retry import Retry

pytestmark = pytest.mark.anyio

CHUNKED = head("200 OK", "Transfer-Encoding: chunked")
HASTY = Deadlines(connect=0.2, first_token=0.5, silence=0.5)


@pytest.fixture
def anyio_backend() -> str:
    """Real sockets: aiohttp runs on asyncio."""
    return "asyncio"


async def ask(script: Script, **options: Any) -> Heard:
    """What is heard of a server, which sees the end of the connection."""
    async with serve(script) as server:
        heard = await ask_at(server.url, **options)
        with anyio.fail_after(1):
            for visit in server.visits:
                await visit.left.wait()
    return heard


async def ask_at(url: str, **options: Any) -> Heard:
    """What is heard of an address, at the first attempt."""
    async with connect("mlx", url, deadlines=HASTY, **options) as source:
        source.retry = Retry(attempts=1)
        return await hear(Pipeline(source).stream("hi"))


def apart(*pieces: bytes, stay: bool = False) -> Script:
    """Sends the pieces one by one, and then leaves or stays."""

    async def play(visit: Visit) -> None:
        await visit.asked()
        await visit.send_apart(pieces)
        if not stay:
            visit.fin()
        await visit.left.wait()

    return play


BAD_CHUNKS = {
    "no number": b"zz\r\nhello\r\n",
    "negative": b"-5\r\nhello\r\n",
    "beyond all bounds": b"f" * 20 + b"\r\nhello",
    "no line end": b"5\r\nhelloXX",
}


@pytest.mark.parametrize(("bad", "stay"), list(itertools.product(BAD_CHUNKS, [False, True])))
async def test_a_bad_chunk(bad: str, stay: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """U11, P1: what came before is delivered, in the same read too, and the broken framing is told at
    once, not by a deadline."""
    heard = await ask(
        apart(CHUNKED, http_chunk(text("a")), http_chunk(text("b")) + BAD_CHUNKS[bad], stay=stay)
    )

    assert (heard.text, heard.end.outcome, heard.kind) == ("ab", "error", "protocol")
    assert "broken HTTP: its body is framed wrongly" in heard.message


async def test_a_chunk_that_is_larger_than_what_comes() -> None:
    """U11: a size is a promise, not a memory: what came of it is delivered."""
    heard = await ask(apart(CHUNKED, http_chunk(text("a")), b"3b9aca00\r\n" + text("b")))

    assert (heard.text, heard.end.outcome) == ("ab", "truncated")


async def test_endless_chunk_extensions() -> None:
    """U11, P8: what nobody reads is not kept."""
    heard = await ask(apart(CHUNKED, http_chunk(text("a")), b"5;" + b"x" * 200_000 + b"\r\nhello"))

    assert heard.text == "a"
    assert heard.end.outcome in {"truncated", "error"}


NO_HTTP = {
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a page without a head": b"<html><body>hello</body></html>",
    "a stream without a head": HELLO,
    "NUL in a header": head("200 OK", "X: a\0b") + HELLO,
    "a header of 9000 bytes": head("200 OK", "X: " + "a" * 9000) + HELLO,
    "1000 headers": head("200 OK", *["X: a"] * 1000) + HELLO,
    "two lengths": head("200 OK", "Content-Length: 5", "Content-Length: 7") + HELLO,
    "a length and chunks": head("200 OK", "Content-Length: 5", "Transfer-Encoding: chunked") + HELLO,
    "a negative length": head("200 OK", "Content-Length: -5") + HELLO,
}


@pytest.mark.parametrize("name", NO_HTTP)
async def test_no_http(name: str) -> None:
    """U12, U13, U14: a wrong port, a broken proxy: named, and nothing of our request in the message."""
    heard = await ask(raw(NO_HTTP[name]), api_key="canary-5cf1")

    assert isinstance(heard.error, BackendError)
    assert (heard.kind, heard.text) == ("protocol", "")
    assert heard.message.startswith("http://127.0.0.1:")
    assert "sent broken HTTP: " in heard.message
    assert "canary" not in heard.message


@pytest.mark.parametrize(
    "status", ["101 Switching Protocols", "201 Created", "202 Accepted", "204 No Content", "304 Not Modified"]
)
async def test_a_status_that_is_no_answer(status: str) -> None:
    """U14: neither an answer nor an error; no hang, body or not."""
    for body in (b"", HELLO):
        heard = await ask(raw(head(status) + body))

        assert (heard.kind, heard.text) == ("protocol", "")


@pytest.mark.parametrize("status", ["100 Continue", "103 Early Hints"])
async def test_a_storm_of_interim_answers(status: str) -> None:
    """U14: what is only interim is passed over."""
    heard = await ask(raw(f"HTTP/1.1 {status}\r\n\r\n".encode() * 500 + head() + HELLO))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


@pytest.mark.parametrize("version", [b"HTTP/1.0", b"HTTP/1.1"])
async def test_versions(version: bytes) -> None:
    """U09: an old server ends its body with the connection."""
    heard = await ask(raw(head().replace(b"HTTP/1.1", version) + HELLO))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(status: int) -> None:
    """U15, P25, S12: neither the key nor the prompt goes anywhere but to the configured origin."""
    async with serve(reply("200 OK", HELLO)) as elsewhere:
        away = reply(f"{status} Go", b"", f"Location: {elsewhere.url}/v1/chat/completions")
        async with serve(away) as server:
            heard = await ask_at(server.url, api_key="canary-5cf1", headers={"X-Api-Key": "canary-7d20"})
            await settle()

        assert (heard.kind, heard.text) == ("upstream", "")
        assert (
            heard.message == f"HTTP {status}: redirects are not followed; set base_url to the final address"
        )
        assert elsewhere.visits == []
        assert len(server.visits) == 1


@pytest.mark.parametrize("encoding", ["gzip", "br", "zstd", "deflate", "gzip, gzip"])
async def test_compression_that_nobody_asked_for(encoding: str) -> None:
    """U22, P8: refused by its header; a bomb is never unpacked."""
    asked: list[bytes] = []

    async def play(visit: Visit) -> None:
        asked.append(await visit.asked())
        body = gzip.compress(HELLO + b"\n" * 10_000_000)
        visit.send(head("200 OK", f"Content-Encoding: {encoding}", f"Content-Length: {len(body)}") + body)

    heard = await ask(play)

    assert (heard.kind, heard.message) == (
        "protocol",
        "the answer is compressed, though identity was asked for",
    )
    assert b"\r\naccept-encoding: identity\r\n" in asked[0].lower()


async def test_a_refusal_that_is_compressed() -> None:
    """U22: its status still says what kind it is; nobody is shown the bytes."""
    body = gzip.compress(b'{"error":{"message":"slow down"}}')
    refused = head("429 Too Many Requests", "Content-Encoding: gzip", f"Content-Length: {len(body)}") + body
    heard = await ask(raw(refused))

    assert heard.kind == "rate_limited"
    assert heard.message == "HTTP 429: the answer is compressed, though identity was asked for"


async def test_identity_is_no_compression() -> None:
    """U22: said in any spelling."""
    heard = await ask(raw(head("200 OK", "Content-Encoding: Identity") + HELLO))

    assert heard.text == "Hello"


async def test_nobody_there() -> None:
    """U01: refused at the port, with what to look for; no aiohttp error gets out."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    heard = await ask_at(url, api_key="canary-5cf1")

    assert isinstance(heard.error, UnreachableError)
    assert heard.error.__cause__ is None
    assert heard.message == f"nobody answers at {url}: connection refused (is the server running?)"


async def test_no_such_host() -> None:
    """U02: a name that does not resolve."""
    heard = await ask_at("http://no-such-host.invalid:1234")

    assert isinstance(heard.error, UnreachableError | DeadlineError)
    assert "http://no-such-host.invalid:1234" in heard.message


async def test_nobody_accepts() -> None:
    """U02, P15: connecting has a deadline of its own, and it is named."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.settimeout(0)
            other.connect_ex(full.getsockname())
        heard = await ask_at(f"http://127.0.0.1:{full.getsockname()[1]}")
        for other in others:
            other.close()

    assert heard.end.failure is not None
    assert (heard.end.outcome, heard.end.failure.phase) == ("timeout", "connect")
    assert heard.message.startswith("waited 0.2 s for a connection to http://127.0.0.1:")
    assert heard.message.endswith("Allow more with Deadlines(connect=...)")


async def test_accepts_and_leaves() -> None:
    """U01: closed without a word, before and in the middle of the headers."""
    for said in (b"", head()[:-4]):
        heard = await ask(raw(said))

        assert (heard.kind, heard.text) == ("connect", "")
        assert "closed the connection without an answer" in heard.message


async def test_tls_to_a_server_without_it() -> None:
    """U04: said as what it is, not tried again, and never fallen back to plain HTTP."""

    async def plain(visit: Visit) -> None:
        visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.left.wait()

    async with serve(plain) as server:
        heard = await ask_at(server.url.replace("http:", "https:"), api_key="canary-5cf1")
        sent = b"".join(visit.received for visit in server.visits)

    assert heard.kind == "connect"
    assert heard.message.startswith("TLS with https://127.0.0.1:")
    assert heard.message.endswith("failed: wrong version number")
    assert b"canary" not in sent
    assert heard.end.failure is not None
    assert not heard.end.failure.retryable


@pytest.fixture
def nobodys_tls(tmp_path: Path) -> ssl.SSLContext:
    """The server's side of TLS, with a certificate that it made itself."""
    openssl = which("openssl")
    if openssl is None:
        pytest.skip("makes its certificate with the openssl program")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost"
    subprocess.run(
        [openssl, *made.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_tls_with_a_certificate_of_nobody(nobodys_tls: ssl.SSLContext) -> None:
    """U04: a certificate that nobody vouches for is refused before anything is sent, and not tried again."""
    sent: list[bytes] = []

    def accept() -> None:
        peer, _ = listening.accept()
        with suppress(OSError), nobodys_tls.wrap_socket(peer, server_side=True) as opened:
            sent.append(opened.recv(65_536))

    listening = socket.create_server(("127.0.0.1", 0))
    accepting = Thread(target=accept)
    accepting.start()
    heard = await ask_at(f"https://127.0.0.1:{listening.getsockname()[1]}", api_key="canary-5cf1")
    accepting.join()
    listening.close()

    assert heard.kind == "connect"
    assert sent == []
    assert "its certificate is refused: self-signed certificate" in heard.message
    assert heard.end.failure is not None
    assert not heard.end.failure.retryable


async def test_tls_that_stalls() -> None:
    """U04, P15: a handshake that does not go on is part of connecting."""

    async def stall(visit: Visit) -> None:
        await visit.left.wait()

    async with serve(stall) as server:
        heard = await ask_at(server.url.replace("http:", "https:"))

    assert heard.end.failure is not None
    assert (heard.end.outcome, heard.end.failure.phase) == ("timeout", "connect")


async def test_an_error_body_that_does_not_end() -> None:
    """U17: what came of a refusal is used; nobody waits for the rest for ever."""
    endless = b'{"error":"' + b"x" * 1000

    async def play(visit: Visit) -> None:
        await visit.asked()
        visit.send(head("400 Bad Request", "Transfer-Encoding: chunked"))
        while not visit.left.is_set():
            visit.send(http_chunk(endless))
            await settle()

    async def cut(visit: Visit) -> None:
        await visit.asked()
        visit.send(head("400 Bad Request", "Content-Length: 1000") + b"the model is tired")
        await settle()
        visit.rst()

    assert (await ask(play)).message.startswith("HTTP 400: {")
    assert (await ask(cut)).message == "HTTP 400: the model is tired"


async def test_an_error_body_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    """U17, P15: a refusal is told with what is there when its time is over."""
    monkeypatch.setattr("tokenweir.pipeline.waiting.BODY_WAIT", 0.1)
    heard = await ask(
        apart(head("400 Bad Request", "Content-Length: 1000"), b"the model is tired", stay=True)
    )

    assert heard.message == "HTTP 400: the model is tired"


async def test_headers_and_body_in_pieces_of_a_byte() -> None:
    """P3: however the bytes arrive."""
    heard = await ask(apart(*[bytes([byte]) for byte in CHUNKED + http_chunk(HELLO) + LAST_CHUNK]))

    assert (heard.text, heard.end.outcome) == ("Hello", "complete")
