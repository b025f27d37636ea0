"""What the payloads of llama-server's own `/completion` mean (PROTOCOLS 5.1)."""

import json
from typing import Any

import pytest

from tests.feeding import run_bytes
from tests.wire.llamacpp_completion import BODIES, EOS, ERROR, LIMIT, PROGRESS, TIMINGS, chunk, event, last
from tokenweir.pipeline.events import Delta, Done, Event, Extra, Finish, FinishReason, Phase, Start, Usage
from tokenweir.pipeline.protocols.openai_chat_decode import CHOICE_LIMIT
from tokenweir.stages.decode_protocol import decode_frames, decode_protocol

CHAIN = decode_frames("llamacpp-completion") | decode_protocol("llamacpp-completion", provider="p")
START = Start(None, "p")


def read(wire: bytes) -> list[Event]:
    """The events of one body."""
    return run_bytes(CHAIN, wire)


def named(name: str) -> list[Event]:
    """The events of the body of that name."""
    return read(next(body.wire for body in BODIES if body.name == name))


def without_extras(events: list[Event]) -> list[Event]:
    """All but the fields that nobody models."""
    return [event for event in events if not isinstance(event, Extra)]


def extras(events: list[Event]) -> dict[str, Any]:
    """The last value of each field that nobody models."""
    return {event.kind: json.loads(bytes(event.data)) for event in events if isinstance(event, Extra)}


def test_a_completion() -> None:
    """P1: text, the finish, the figures; its last payload is the end, and brings the model's name."""
    found = named("text")

    assert without_extras(found) == [
        START,
        Delta("Hel"),
        Delta("lo"),
        Finish("stop", "eos"),
        Usage(5, 7, None, None, 3),
        Done(),
    ]
    assert extras(found) == {
        "tokens": [9],
        "id_slot": 0,
        "model": "m",
        "prompt": "Once",
        "generation_settings": {"n_ctx": 512},
        "truncated": False,
        "tokens_cached": 11,
        "timings": TIMINGS,
    }


def test_every_piece_keeps_its_tokens() -> None:
    """DESIGN 3: two equal tokens are two; what every payload repeats counts once."""
    kinds = [event.kind for event in read(chunk("a") + chunk("a")) if isinstance(event, Extra)]

    assert kinds == ["tokens", "id_slot", "tokens"]


def test_the_prompts_progress() -> None:
    """P16: `return_progress` is a phase, and no content; a field of it that nobody knows is kept."""
    assert without_extras(named("progress")) == [
        START,
        Phase("prefill", 0.625),
        Delta("Hé 🙂"),
        Finish("length", "limit"),
        Usage(5, 7, None, None, 3),
        Done(),
    ]
    more = {**PROGRESS, "new": 1}
    assert extras(read(chunk("", prompt_progress=more)))["prompt_progress"] == more


@pytest.mark.parametrize(
    ("how", "reason"),
    [("eos", "stop"), ("word", "stop"), ("limit", "length"), ("none", "other"), ("new", "other")],
)
def test_stop_types(how: str, reason: FinishReason) -> None:
    """V22: the server's own word is kept."""
    assert Finish(reason, how) in read(event(last(how=how)))


def test_stop_flags_of_old_servers() -> None:
    """The flag that is true says why; without any the server only stopped."""
    limit = last(how=None, stopped_eos=False, stopped_word=False, stopped_limit=True)

    assert Finish("stop", "stopped_word") in named("old server")
    assert Finish("length", "stopped_limit") in read(event(limit))
    assert Finish("stop", None) in read(event(last(how=None)))


def test_without_a_stream() -> None:
    """One object is the last payload, with all of the text and the model's name."""
    assert without_extras(named("one object"))[:3] == [
        Start(None, "p", "m"),
        Delta("Hé 🙂"),
        Finish("stop", "eos"),
    ]


def test_several_completions() -> None:
    """`n_cmpl`: a list without a stream; in a stream the end of the last one is the end."""
    listed = without_extras(named("two at once"))
    first = chunk("a") + chunk("x", 1) + EOS

    assert [event.index for event in listed if isinstance(event, Finish)] == [0, 1]
    assert listed[-1] == Done()
    assert Done() not in read(first)
    assert read(first + event(last("y", 1)))[-1] == Done()


def test_a_completion_that_ends_before_another_begins() -> None:
    """P1: where completion 1 is there, so is completion 0: the answer is not over without it."""
    events = read(event(last("y", 1)) + chunk("a") + EOS)

    assert [event.text for event in events if isinstance(event, Delta)] == ["y", "a"]
    assert events[-1] == Done()
    assert Done() not in read(event(last("y", 1)))


def test_a_list_with_something_else_in_it() -> None:
    """V12: nothing is read behind what cannot be; figures are told where there are any."""
    bare = {"content": "a", "stop": True, "stop_type": "eos"}

    assert without_extras(read(json.dumps([bare, 7, bare]).encode()))[:3] == [
        START,
        Delta("a"),
        Finish("stop", "eos"),
    ]
    assert read(event(bare)) == [START, Delta("a"), Finish("stop", "eos"), Done()]
    assert isinstance(read(json.dumps([7, bare]).encode())[-1], Done)
    assert Done() not in read(json.dumps([bare, 7, bare]).encode())


def test_nothing_counts_behind_the_end() -> None:
    """V17."""
    assert read(chunk("a") + EOS + chunk("late") + EOS) == read(chunk("a") + EOS)


@pytest.mark.parametrize(
    ("wire", "kind", "message"),
    [
        (event({"error": ERROR}), "upstream", "the context is full"),
        (b"error: " + json.dumps(ERROR).encode() + b"\n\n", "upstream", "the context is full"),
        (event({"error": "Loading model"}), "model_loading", "Loading model"),
        (event({"content": "x", "index": CHOICE_LIMIT}), "protocol", "a completion has the index 128"),
        (b"data: [DONE]\n\n", "truncated", "a [DONE] came before"),
    ],
)
def test_errors_in_the_middle(wire: bytes, kind: str, message: str) -> None:
    """V12, V13, V15: what came before is kept, and nothing afterwards makes it good."""
    *before, done = without_extras(read(chunk("Hel") + wire + LIMIT))

    assert before == [START, Delta("Hel")]
    assert isinstance(done, Done)
    assert done.failure is not None
    assert done.failure.kind == kind
    assert done.failure.message.startswith(message)


def test_an_error_beside_text() -> None:
    """The text that stands beside an error came before it."""
    found = read(event({"index": 0, "content": "Hel", "error": "boom"}))

    assert Delta("Hel") in found
    assert isinstance(found[-1], Done)
    assert found[-1].failure is not None


def test_fields_of_the_wrong_type() -> None:
    """V12: they say nothing, and the answer goes on."""
    odd: dict[str, Any] = {
        "index": "x",
        "content": 5,
        "stop": "yes",
        "model": 7,
        "prompt_progress": [],
        "timings": None,
    }

    assert without_extras(read(event(odd) + EOS))[:2] == [START, Finish("stop", "eos")]


@pytest.mark.parametrize("data", [{"message": "boom"}, [{"message": "boom"}], ["boom"]])
def test_an_event_that_is_named_an_error(data: object) -> None:
    """V15: by its name alone, whatever its data is, and all of that is kept; where nothing came before,
    nothing has begun."""
    (done,) = read(b"event: error\ndata: " + json.dumps(data).encode() + b"\n\n")

    assert isinstance(done, Done)
    assert done.failure is not None
    assert (done.failure.kind, done.failure.message) == ("upstream", "boom")
    assert json.loads(bytes(done.failure.native or b"")) == data


def test_a_list_that_is_an_error() -> None:
    """V15: by what stands in it, and all of it is kept."""
    (done,) = read(json.dumps([{"error": ERROR}]).encode())

    assert isinstance(done, Done)
    assert done.failure is not None
    assert json.loads(bytes(done.failure.native or b"")) == [{"error": ERROR}]


def test_an_end_without_text() -> None:
    """P2: a payload needs no text to be the last."""
    assert read(event({"stop": True})) == [START, Finish("stop", None), Done()]


def test_an_index_of_many_digits() -> None:
    """V14: it is told as far as anybody reads."""
    done = read(event({"content": "x", "index": 10**30}))[-1]

    assert isinstance(done, Done)
    assert done.failure is not None
    assert f" 1{'0' * 19}; the bound is {CHOICE_LIMIT}" in done.failure.message


def test_a_keep_alive_behind_text() -> None:
    """P16: nothing is loaded or prefilled any more."""
    assert not [event for event in read(chunk("a") + b": loading\n\n") if isinstance(event, Phase)]
    assert [event for event in read(b": loading\n\n" + chunk("a")) if isinstance(event, Phase)]


def test_all_fields_of_the_progress_are_known() -> None:
    """DESIGN 3: what is modelled is not told twice."""
    full = {"total": 8, "cache": 2, "processed": 5, "time_ms": 12}

    assert "prompt_progress" not in extras(read(chunk("", prompt_progress=full)))


def test_halves_of_a_character() -> None:
    """V09: half a one is given before its completion ends, and breaks none of another completion."""
    wire = chunk("<") + chunk("<", 1) + EOS + chunk(">", 1) + event(last("", 1))
    found = read(wire.replace(b"<", rb"\ud83d").replace(b">", rb"\ude00"))
    said = [event for event in found if isinstance(event, Delta | Finish)]

    assert said[:2] == [Delta("\ufffd"), Finish("stop", "eos")]
    assert said[2] == Delta("\U0001f600", "text", 1)
