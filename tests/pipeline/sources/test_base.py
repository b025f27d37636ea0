"""What every source is."""

from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from tests.reader import hear
from tests.transcripts import HELLO, text
from tokenweir import Deadlines, Failure, Pipeline, Source
from tokenweir.pipeline.connection import Connection
from tokenweir.pipeline.deadlines import HOSTED, LOCAL
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.request import Request
from tokenweir.testing import ScriptedConnection, ScriptedSource

pytestmark = pytest.mark.anyio


class Own(Source):
    """A source of somebody's own: what its documentation promises is all that it defines."""

    provider: ClassVar[str] = "own"

    def open(self, request: Request) -> Connection:  # noqa: ARG002 - as in Source
        return ScriptedConnection([HELLO], b"", 200, {})


class Refusing(Own):
    """One whose backend refuses, with the means of the base class alone."""

    def open(self, request: Request) -> Connection:  # noqa: ARG002 - as in Source
        return ScriptedConnection([b"no"], b"", 418, {})


class Whole(Own):
    """One that cannot stream."""

    supports_streaming: bool = False


async def test_a_source_of_ones_own() -> None:
    """DESIGN 5: `open` is all that a source must define."""
    async with Own(model="m") as source:
        assert await Pipeline(source).text("hi") == "Hello"
        assert repr(source) == "<Own own model='m' mode='delta'>"


async def test_open_is_what_is_missing() -> None:
    """A source that does not say how to open a connection is told so, by name."""
    with pytest.raises(MisuseError, match=r"Source does not say how.*define open\(request\)"):
        await Pipeline(Source()).text("hi")


async def test_a_refusal() -> None:
    """DESIGN 5: a status that is no 200 ends the stream with what is known of it."""
    heard = await hear(Pipeline(Refusing()).stream("hi"))

    assert heard.end.failure == Failure("upstream", "the backend answered with status 418", None, 418)


def test_requests() -> None:
    """DESIGN 5: a checked request; the request's own model wins; what cannot stream is not asked to."""
    source = Own(model="mine")

    assert source.request("hi") == Request(({"role": "user", "content": "hi"},), "mine")
    assert source.request("hi", model="other", temperature=0).model == "other"
    assert source.request("hi", temperature=0).options == {"temperature": 0}
    assert (source.request("hi").stream, source.request("hi", stream=False).stream) == (True, False)
    assert Whole().request("hi").stream is False
    assert source.bytes("hi", temperature=1).request.options == {"temperature": 1}


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        ("delta", "sse_decode | decode_protocol(openai-chat)"),
        ("auto", "sse_decode | decode_protocol(openai-chat) | cumulative_detect(auto) | delta_extract"),
    ],
)
def test_stages(mode: Any, names: str) -> None:
    """P4: a backend that is known to send deltas gets no detector."""
    assert Own(mode=mode).stage.name == names


def test_options() -> None:
    """DESIGN 5: what is not said is the provider's own."""
    assert (Own().mode, Own().deadlines) == ("delta", LOCAL)
    assert Own(deadlines=Deadlines(total=1.0)).deadlines.total == 1.0
    assert (LOCAL.first_token, HOSTED.first_token) == (300.0, 120.0)
    with pytest.raises(MisuseError, match="mode"):
        Own(mode="sometimes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - wrong on purpose


def test_scrubbing_leaves_alone_what_holds_no_secret() -> None:
    """S10: a source without credentials has nothing to hide."""
    failure = Failure("upstream", "boom")

    assert Own().scrub(failure) is failure


async def test_a_backend_that_never_finishes() -> None:
    """DESIGN 3: where a backend is known to give no finish reason, its end marker alone completes."""

    class Unfinished(ScriptedSource):
        finish_required: bool = False

    script = [text("a"), b"data: [DONE]\n\n"]
    assert (await hear(Pipeline(Unfinished(script)).stream("hi"))).end.outcome == "complete"
    assert (await hear(Pipeline(ScriptedSource(script)).stream("hi"))).end.outcome == "truncated"


def test_what_is_accepted() -> None:
    """DESIGN 5: a 200, and what has no status."""
    headers: Mapping[str, str] = {}

    assert [status for status in (0, 100, 200, 201, 404, 500) if Own().accepts(status, headers)] == [0, 200]
