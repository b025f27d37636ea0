"""Steps as bytes."""

import msgspec

from tokenweir.pipeline.events import Delta, Done, Finish, Phase, Start
from tokenweir.pipeline.protocols.openai_chat_encode import DONE, OpenAIChatEncode
from tokenweir.simulator.answer import Step
from tokenweir.simulator.frames import Chunks, Frame, bytewise, frames, sse

STEPS = [
    Step(0.0, Phase("loading", 0.42)),
    Step(1.0, Start("i", "openai", "m", 7)),
    Step(1.0, Delta("a"), token=True),
    Step(2.0, Delta("b"), token=True),
    Step(3.0, Finish("stop")),
    Step(3.0, Done()),
]


def test_each_token_is_one_write() -> None:
    """What shows nothing on the wire makes no frame; the role goes with the first token."""
    made = list(frames(STEPS, OpenAIChatEncode()))

    assert [(frame.at, frame.token) for frame in made] == [
        (0.0, False),
        (1.0, True),
        (2.0, True),
        (3.0, False),
        (3.0, False),
    ]
    assert made[0].data == b": loading 0.42\n\n"
    assert [frame.data.count(b"data: ") for frame in made] == [0, 2, 1, 1, 1]
    assert made[-1].data == DONE


def test_bytewise_writes_the_same_bytes_one_by_one() -> None:
    """V01: every byte its own write, at the time of its frame."""
    made = list(bytewise([Frame(1.0, b"ab"), Frame(2.0, b"c")]))

    assert made == [Frame(1.0, b"a"), Frame(1.0, b"b"), Frame(2.0, b"c")]


def test_chunks_beside_the_answer_are_of_it() -> None:
    """Material for faults has the answer's id and model, so that only the fault is odd."""
    own = msgspec.json.decode(list(frames(STEPS, OpenAIChatEncode("i", "m")))[2].data[6:])
    made = Chunks("i", "m").chunk("b")

    assert {key: made[key] for key in ("id", "model", "object")} == {
        key: own[key] for key in ("id", "model", "object")
    }
    assert made["choices"] == own["choices"]


def test_raw_text_stands_between_the_quotes() -> None:
    """The fault's bytes go in as they are, and the frame is JSON around them."""
    made = Chunks("i", "m").raw(rb"\ud83d")

    assert rb'"content":"\ud83d"' in made
    assert made == sse(Chunks("i", "m").chunk("!")).replace(b'"!"', rb'"\ud83d"')
