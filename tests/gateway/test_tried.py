"""Who was asked in vain, and why: from what streams tell, without an address."""

import pytest
from msgspec.structs import replace

from tests.gateway.configured import loaded
from tests.gateway.serving import CHAT, HI, gateway, post
from tokenweir.gateway.setup import Setup
from tokenweir.gateway.tried import Tried
from tokenweir.pipeline.events import Delta, End, Event, Failure, Phase
from tokenweir.pipeline.retry import Retry
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.server import Simulator

pytestmark = pytest.mark.anyio

REFUSED = Failure("connect", "no connection to http://b.test:1/v1: refused", status=None)


def a_try(*names: str) -> Tried:
    """Backends of these names, each at an address of its own."""
    backends = {
        name: {"provider": "openai-compatible", "base_url": f"http://{name}.test:1"} for name in names
    }
    served = Setup(loaded({"backends": backends})).backends.values()
    return Tried(list(served), [one.source for one in served])


def gone(reason: str) -> Phase:
    """What a stream says when it goes on."""
    return Phase("connecting", None, f"openai-compatible, since openai-compatible failed: {reason}", 1.0)


def end_of(tried: Tried, *events: Event, failure: Failure | None = REFUSED) -> End:
    """The end as it is told, after these events."""
    tried.look(list(events))
    tried.tell(batch := [*events, End("error", failure)])
    assert isinstance(batch[-1], End)
    return batch[-1]


def test_one_backend_has_its_own_failure() -> None:
    """P24: named, and not where it is."""
    tried = a_try("b")
    end = end_of(tried, Phase("connecting", None, "again in 0.5 s: busy"))

    assert end.failure == replace(REFUSED, message="no connection to backend 'b': refused")
    assert tried.names == ["b"]


def test_each_that_failed_is_told_with_its_reason() -> None:
    """A line for each, cut short, and without anybody's address; what kind it is the last one says."""
    tried = a_try("a", "b", "c")
    batch = [gone("no connection to http://a.test:1/v1: refused"), gone("HTTP 500: " + "x" * 999 + "\nmore")]
    end = end_of(tried, *batch, failure=Failure("timeout", "waited\n5 s", "first_token"))

    assert end.failure is not None
    assert (end.failure.kind, end.failure.phase) == ("timeout", "first_token")
    opening, *lines = end.failure.message.split("\n")
    assert opening == "each backend that was asked has failed"
    assert lines == ["a: no connection to backend 'a': refused", f"b: HTTP 500: {'x' * 190}...", "c: waited"]
    assert tried.names == ["a", "b", "c"]


def test_what_is_no_word_of_a_stream_counts_for_nothing() -> None:
    """A wait for another attempt, a backend's own detail, and more than there are."""
    tried = a_try("a", "b")
    tried.look(
        [Phase("loading", 0.5, "since openai failed: x"), Phase("connecting", None, "again in 1 s: y")]
    )
    assert tried.names == ["a"]
    tried.look([gone("z"), gone("z"), Delta("text")])
    assert tried.names == ["a", "b"]


async def test_whole_answers_have_nothing_to_tell() -> None:
    """An end without a failure stays as it is."""
    assert end_of(a_try("a", "b"), gone("z"), failure=None) == End("error")


@pytest.mark.parametrize("stream", [True, False])
async def test_the_refusal_of_a_route_names_all_of_it(*, stream: bool) -> None:
    """P24, P7: 502 with each backend and its reason, and no address."""
    async with Simulator(Quirks(fault="status-500")) as broken:
        config = {
            "backends": {
                "first": {"provider": "openai", "base_url": broken.url},
                "second": {"provider": "ollama", "base_url": "http://127.0.0.1:9"},
            },
            "routes": [{"model": "*", "backends": ["first", "second"]}],
        }
        async with gateway(config) as server:
            for served in server.gateway.setup.backends.values():
                served.source.retry = Retry(attempts=1)
            got = await post(server.url + CHAT, {**HI, "model": "simulated-model", "stream": stream})
            [note] = server.gateway.live.recent

    assert (got.status, note.tried, note.backend) == (502, ["first", "second"], "second")
    _, first, second = got.json["error"]["message"].split("\n")
    assert first.startswith("first: HTTP 500")
    assert second.startswith("second: ")
    assert "127.0.0.1" not in got.text
