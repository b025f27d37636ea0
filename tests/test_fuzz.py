"""The fuzzer's own parts: its oracles see what is planted, and nothing where nothing is wrong.

Law of this file: no fuzzing, which `make fuzz` does and which needs atheris. What a fuzzer found is a test of
the module that it was found in, not one here.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.fuzz.growth import MANY, check_growth, large
from tests.fuzz.mutate import Mutator
from tests.fuzz.oracles import BrokenLawError, Items, vocabulary
from tests.fuzz.script import events_of, script_of
from tests.fuzz.shrink import shrunk
from tests.fuzz.targets import Target, check, targets
from tests.fuzz.words import dictionary, seeds, words
from tokenweir.pipeline.errors import StageError
from tokenweir.pipeline.events import Delta, Done, Finish, Revise, Start, ToolDelta
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.decode_protocol import PROTOCOLS

ALL = targets()


class Faulty:
    """A decoder of plain text with one fault, chosen by its name."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.kept: list[bytes] = []
        self.all = b""
        self.begun = False

    def feed(self, items: Sequence[bytes]) -> Items:
        return [event for data in items for event in self.take(data)]

    def take(self, data: bytes) -> Items:
        """What comes of one read."""
        text, begun = data.decode("latin-1"), self.begun
        self.begun = self.begun or bool(data)
        match self.fault:
            case "keeps everything":
                self.kept.append(data + data)
            case "copies everything":
                self.all = self.all.lower() + data
            case "raises" if data:
                raise ValueError(self.fault)
            case "says how it was cut" if data:
                return [Delta("[")]
            case "doubles":
                return [Delta("".join(character * 2 for character in text))]
            case "goes on" if not begun:
                return [Done(), Delta("")]
            case "half a pair" if not begun:
                return [Delta("\ud83d")]
            case _:
                pass
        return []

    def finish(self) -> Items:
        if self.fault == "raises at the end":
            raise ValueError(self.fault)
        return []


def plain(_given: Any, out: Items, sent: int) -> None:
    """The laws of a protocol, but for the calls."""
    ALL["openai-chat"].makes[0][1](_given, out, sent)


def faulty(fault: str) -> Target:
    """A target with one fault."""
    makes = [(lambda: Stage[Any, Any](lambda: Faulty(fault), "faulty", takes="wire"), plain)]
    return Target(makes, "openai-chat")


PLANTED = {
    "says how it was cut": "any cut",
    "doubles": "no more than was sent",
    "goes on": "ends once",
    "half a pair": "valid Unicode",
}


@pytest.mark.parametrize(("fault", "law"), PLANTED.items(), ids=PLANTED)
def test_a_planted_fault_is_seen(fault: str, law: str) -> None:
    """P1 to P5: each oracle finds the fault that it is there for."""
    with pytest.raises(BrokenLawError) as broken:
        check(faulty(fault), b"a b c")

    assert broken.value.law == law


@pytest.mark.parametrize("fault", ["raises", "raises at the end"])
def test_what_a_core_raises_is_seen(fault: str) -> None:
    """P4: an exception is a finding, in `feed` and in `finish`."""
    with pytest.raises(StageError):
        check(faulty(fault), b"abc")


@pytest.mark.parametrize(
    ("fault", "law"), [("keeps everything", "bounded memory"), ("copies everything", "linear time")]
)
def test_growth_is_seen(fault: str, law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """P8, P9: what is kept for ever, and what costs more the more there was."""
    monkeypatch.setattr("tests.fuzz.growth.LEAST", 0.0)
    monkeypatch.setattr("tests.fuzz.growth.ENDLESS", MANY)
    monkeypatch.setattr("tests.fuzz.growth.DECODER_ROOM", MANY * 3 // 2)

    with pytest.raises(BrokenLawError) as broken:
        check_growth(faulty(fault), b"a\nb\n")

    assert broken.value.law == law


OUT_OF_ORDER: dict[str, tuple[Items, str]] = {
    "a late start": ([Delta("a"), Start()], "one start, first"),
    "two starts": ([Start(), Start()], "one start, first"),
    "two finishes": ([Finish("stop"), Finish("stop")], "finishes once"),
    "a name again": ([ToolDelta(0, None, "f"), ToolDelta(0, None, "f")], "id and name once"),
}


@pytest.mark.parametrize(("out", "law"), OUT_OF_ORDER.values(), ids=OUT_OF_ORDER)
def test_a_wrong_order_is_seen(out: Items, law: str) -> None:
    """DESIGN 3: the vocabulary has an order."""
    with pytest.raises(BrokenLawError) as broken:
        vocabulary(out)

    assert broken.value.law == law


@pytest.mark.parametrize("target", ALL.values(), ids=ALL)
def test_seeds_break_nothing(target: Target) -> None:
    """P3: the bodies that were written for the tests are whole answers, and fuzzing begins with them."""
    first = seeds(target)
    for seed in first:
        check(target, seed)

    assert first


@pytest.mark.parametrize("name", ["sse_decode", "openai-chat", "cumulative"])
def test_seeds_made_large_break_nothing(name: str) -> None:
    """P8, P9: nor where they never end."""
    target = ALL[name]
    check_growth(target, seeds(target)[-1])
    grown = large(seeds(target)[-1], MANY)

    assert MANY <= len(grown) < 2 * MANY


@pytest.mark.parametrize("target", ALL.values(), ids=ALL)
def test_the_dictionary_can_be_read(target: Target) -> None:
    """Every word has a line of its own in libFuzzer's form, in ASCII."""
    lines = dictionary(target).splitlines()

    assert len(lines) == len(words(target)) > 10
    assert all(line.isascii() and line[0] == line[-1] == '"' for line in lines)


def test_words_come_from_the_decoders() -> None:
    """Whatever a protocol's module compares with is among its words, and what its helpers do."""
    assert {b'"choices"', b'"tool_calls"', b'"finish_reason"'} <= set(words(ALL["openai-chat"]))
    assert {b'"done_reason"', b'"thinking"'} <= set(words(ALL["ollama-chat"]))


def test_every_protocol_is_a_target() -> None:
    """A protocol that is registered is fuzzed."""
    assert set(PROTOCOLS) <= ALL.keys()


def test_scripts_keep_the_order() -> None:
    """Nothing of a choice comes after its finish, and nothing after `Done`; what is written can be read."""
    events = events_of(b"tHi\n\xff\nf\nt late\nt1else\na{\nd\ntmore")

    assert events == [Delta("Hi"), Finish("stop"), Delta("else", index=1), Done()]
    assert events_of(script_of(events)) == events
    assert events_of(script_of([Revise(0, "x")])) == []


def test_changes_come_from_the_seed() -> None:
    """A mutation is the same for the same seed, has no more bytes than allowed, and takes all its ways."""
    bodies = seeds(ALL["openai-chat"])
    change = Mutator(words(ALL["openai-chat"]), bodies, lambda data, _most: data[:-1])
    made = [change(body, 2000, seed) for body in bodies for seed in range(40)]

    assert made == [change(body, 2000, seed) for body in bodies for seed in range(40)]
    assert max(map(len, made)) <= 2000
    assert len(set(made)) > len(made) // 3


def test_an_input_is_made_large() -> None:
    """Its lines are repeated, and it begins and ends as before."""
    body = b"first\nsecond\nthird\nlast"

    assert len(large(body, 1000)) >= 1000
    assert large(body, 1000) == large(body, 1000)
    assert large(b"", 10) == b"\n" * 11


def test_a_found_input_is_made_smaller() -> None:
    """As long as it breaks the same; with no time left it stays as it is."""
    data = b"left out x and so is this y too"

    def breaks(some: bytes) -> bool:
        return b"x" in some and b"y" in some

    assert shrunk(data, breaks, 5.0) == b"xy"
    assert shrunk(data, breaks, 0.0) == data
