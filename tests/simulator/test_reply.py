"""The whole reply, decided before its first byte."""

from typing import Any

import msgspec
import pytest

from tests.simulator.raw import PROMPT, STREAM
from tokenweir.pipeline.protocols.openai_chat_encode import DONE
from tokenweir.simulator.load import Loads
from tokenweir.simulator.quirks import Quirks
from tokenweir.simulator.refusals import loading
from tokenweir.simulator.reply import Reply, reply_to
from tokenweir.simulator.text import script_of

AB = script_of("a b")


def reply(
    quirks: Quirks, fields: dict[str, Any] = STREAM, loads: Loads | None = None, now: float = 0.0
) -> Reply:
    """The reply to a request with the given fields."""
    return reply_to(
        msgspec.json.encode(fields), quirks, loads or Loads(quirks.load_seconds), now, "chatcmpl-1"
    )


def test_a_cold_stream_is_silent_and_then_like_any_other() -> None:
    """U05: 90 s without a frame (so without headers), then the prefill, then the tokens at their rate."""
    quirks = Quirks(script=AB, load_seconds=90, prefill_seconds=2, rate=2)
    found = list(reply(quirks).frames)

    assert [frame.at for frame in found] == [92.0, 92.5, 93.0, 93.0]


def test_keep_alives_come_first_and_at_once() -> None:
    """P16: comments while it loads and prefills, then the first token; later requests have fewer."""
    quirks = Quirks(script=AB, load_seconds=3, prefill_seconds=1, keep_alive=1)
    loads = Loads(3)
    first = list(reply(quirks, loads=loads).frames)
    second = list(reply(quirks, loads=loads, now=2.5).frames)

    assert [frame.data for frame in first[:4]] == [
        b": loading 0.00\n\n",
        b": loading 0.33\n\n",
        b": loading 0.67\n\n",
        b": prefill 0.00\n\n",
    ]
    assert [(frame.at, frame.data) for frame in second[:2]] == [
        (0.0, b": loading 0.83\n\n"),
        (0.5, b": prefill 0.00\n\n"),
    ]
    assert second[2].at == 1.5


def test_usage_only_where_it_is_asked_for() -> None:
    """PROTOCOLS 2.2: no figures without `include_usage`."""
    asked = {**STREAM, "stream_options": {"include_usage": True}}
    bodies = [b"".join(frame.data for frame in reply(Quirks(), fields).frames) for fields in (STREAM, asked)]

    assert [body.count(b'"usage"') for body in bodies] == [0, 1]
    assert all(body.endswith(DONE) for body in bodies)


def test_one_shot_waits_for_all_of_it() -> None:
    """One frame when the last token has had its turn, with its length in the headers."""
    quirks = Quirks(script=AB, load_seconds=5, prefill_seconds=1, rate=2, cumulative=True, final_repeat=True)
    made = reply(quirks, {"messages": PROMPT})
    (frame,) = made.frames

    assert frame.at == 7.0
    assert made.headers == {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(frame.data)),
    }
    assert msgspec.json.decode(frame.data)["choices"][0]["message"]["content"] == "a b"


@pytest.mark.parametrize(("fault", "ending"), [("cut", "fin"), ("reset", "rst"), ("stall", "stall")])
def test_a_one_shot_answer_breaks_half_way(fault: str, ending: str) -> None:
    """U10: the length is told, half of it comes."""
    made = reply(Quirks(fault=fault), {"messages": PROMPT})
    (frame,) = made.frames

    assert made.ending == ending
    assert int(made.headers["Content-Length"]) // 2 == len(frame.data)


@pytest.mark.parametrize("fault", ["crlf", "no-done", "half-surrogate"])
def test_faults_of_a_stream_s_form_leave_one_shot_alone(fault: str) -> None:
    """There is nothing of a stream to spoil."""
    (whole,) = reply(Quirks(), {"messages": PROMPT}).frames

    assert list(reply(Quirks(fault=fault), {"messages": PROMPT}).frames) == [whole]


def test_an_empty_one_shot_answer_has_no_body() -> None:
    """200 and nothing, with a length that says so."""
    made = reply(Quirks(fault="empty"), {"messages": PROMPT})

    assert (made.status, made.headers["Content-Length"]) == (200, "0")


def test_byte_split_cuts_every_body() -> None:
    """V01: streams and one-shot answers alike."""
    for fields in (STREAM, {"messages": PROMPT}):
        whole = b"".join(frame.data for frame in reply(Quirks(), fields).frames)
        split = [frame.data for frame in reply(Quirks(byte_split=True), fields).frames]

        assert {len(data) for data in split} == {1}
        assert b"".join(split) == whole


@pytest.mark.parametrize(
    ("models", "asked", "served"),
    [
        (("only",), "anything", "only"),
        (("only",), None, "only"),
        (("a", "b"), "b", "b"),
        (("a", "b"), None, "a"),
        (("a", "b"), "c", None),
    ],
)
def test_which_model_answers(models: tuple[str, ...], asked: str | None, served: str | None) -> None:
    """PROTOCOLS 3.1: one model serves any name; of several, an unknown one is 404 (R08)."""
    made = reply(Quirks(models=models), {**STREAM, "model": asked})

    assert made.model == served
    assert made.status == (200 if served else 404)


def test_503_until_it_is_loaded() -> None:
    """PROTOCOLS 11.3: refused while it loads, and the load that the first request began goes on."""
    quirks = Quirks(fault="status-503-loading", load_seconds=10)
    loads = Loads(10)
    made = [reply(quirks, loads=loads, now=now) for now in (0.0, 9.9, 10.0)]

    assert [answer.status for answer in made] == [503, 503, 200]
    assert [frame.data for frame in made[0].frames] == [loading().body]


def test_a_bad_request_is_400_before_anything_else() -> None:
    """R01: nothing is loaded for it."""
    loads = Loads(10)
    made = reply(Quirks(load_seconds=10), {"messages": []}, loads)

    assert (made.status, made.model) == (400, None)
    assert not loads.loading(0.0)
