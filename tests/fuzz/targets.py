"""What is fuzzed: every decoder by its name, the ways in which it is made, and the laws it is held to.

Law of this file: the table. The protocols are read from PROTOCOLS, so that a new one is a target from its
first day. `check` is one pass over one input, the same in a fuzzer, in a test and when a crash is tried
again: nothing in it is left to chance.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from random import Random
from typing import Any, NamedTuple
from zlib import crc32

from tests.feeding import pieces
from tests.fuzz import oracles
from tests.fuzz.script import events_of
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_detect import cumulative_detect
from tokenweir.stages.decode_protocol import FRAMING, PROTOCOLS, decode_frames, decode_protocol
from tokenweir.stages.delta_extract import delta_extract
from tokenweir.stages.ndjson_decode import ndjson_decode
from tokenweir.stages.reasoning_split import reasoning_split
from tokenweir.stages.reasoning_tags import TAGS
from tokenweir.stages.sse_decode import EVENT_LIMIT, sse_decode

AnyStage = Stage[Any, Any]
Make = Callable[[], AnyStage]
Judge = Callable[[Any, oracles.Items, int], None]
"""Takes what went in (bytes, or a list of events), what came out, and the number of bytes."""

SMALL = 64
"""A limit that inputs of a fuzzer can reach."""
CUTS = 8
EVERYWHERE = 300
"""Bytes, or events, up to which an input may be cut everywhere."""


class Target(NamedTuple):
    """One thing to fuzz. `read` makes a stage's input of bytes; `seeds` names the protocol whose bodies
    it begins with ("" for all, where it takes events)."""

    makes: Sequence[tuple[Make, Judge]]
    seeds: str
    read: Callable[[bytes], Any] = bytes

    @property
    def takes_bytes(self) -> bool:
        """Whether the input is bytes as they come from the wire."""
        return self.read is bytes


def _frames(limit: int) -> Judge:
    return lambda _given, out, sent: oracles.frames_fit(out, sent, limit)


def _decoded(_given: Any, out: oracles.Items, sent: int) -> None:
    oracles.vocabulary(out)
    oracles.text_fits(out, sent)


def _extracted(given: Any, out: oracles.Items, _sent: int) -> None:
    oracles.others_pass(given, out)
    oracles.grows_only_by_what_came(given, out)


def _extracted_deltas(given: Any, out: oracles.Items, _sent: int) -> None:
    oracles.others_pass(given, out)
    oracles.any_cut(given, out)


def _split(given: Any, out: oracles.Items, sent: int) -> None:
    _extracted(given, out, sent)
    oracles.unchanged_without(sorted({tag[0] for pair in TAGS for tag in pair}), given, out)


def _protocol(name: str) -> Target:
    makes = [partial(_chain, name, finish_required=required) for required in (True, False)]
    return Target([(make, _decoded) for make in makes], name)


def _chain(name: str, *, finish_required: bool) -> AnyStage:
    return decode_frames(name) | decode_protocol(name, finish_required=finish_required)


def _detect(mode: Any) -> AnyStage:
    return cumulative_detect(mode) | delta_extract()


@cache
def targets() -> Mapping[str, Target]:
    """Everything that is fuzzed, by its name."""
    sse: list[tuple[Make, Judge]] = [
        (sse_decode, _frames(EVENT_LIMIT)),
        (lambda: sse_decode(strict=True), _frames(EVENT_LIMIT)),
        (lambda: sse_decode(limit=SMALL), _frames(SMALL)),
    ]
    ndjson: list[tuple[Make, Judge]] = [
        (ndjson_decode, _frames(EVENT_LIMIT)),
        (lambda: ndjson_decode(limit=SMALL), _frames(SMALL)),
    ]
    detect: list[tuple[Make, Judge]] = [
        (partial(_detect, "auto"), _extracted),
        (partial(_detect, "cumulative"), _extracted),
        (partial(_detect, "delta"), _extracted_deltas),
    ]
    split: list[tuple[Make, Judge]] = [
        (reasoning_split, _split),
        (lambda: reasoning_split(start_in_reasoning=True), _extracted),
    ]
    return {
        "sse_decode": Target(sse, "sse"),
        "ndjson_decode": Target(ndjson, "ndjson"),
        **{name: _protocol(name) for name in sorted(PROTOCOLS)},
        "cumulative": Target(detect, "", events_of),
        "reasoning_split": Target(split, "", events_of),
    }


def framing(name: str) -> str:
    """How the bodies of a target are framed: "sse" or "ndjson"."""
    return FRAMING.get(name, name.removesuffix("_decode"))


def run(make: Make, batches: Iterator[Any]) -> oracles.Items:
    """What a fresh stage makes of the batches and of the end; what a core raised is raised here."""
    core = make().core()
    out = [item for batch in batches for item in core.feed(batch)]
    out += core.finish()
    if core.error is not None:
        raise core.error
    return out


def check(target: Target, data: bytes) -> None:
    """Hold one input to the laws. Raises BrokenLawError, or what a core raised."""
    given = target.read(data)
    cuts = cuts_of(data, len(given))
    for make, judge in target.makes:
        out = run(make, _batches(given, []))
        again = run(make, _batches(given, cuts))
        oracles.ends_once(out)
        oracles.any_cut(out, again)
        judge(given, out, len(data))


def cuts_of(data: bytes, size: int) -> Sequence[int]:
    """Where the second pass is cut: by chance, but always the same for the same bytes; one in four of
    the short ones is cut everywhere."""
    chance = Random(crc32(data))  # noqa: S311 - no secret
    if size <= EVERYWHERE and chance.random() < 1 / 4:
        return range(1, size)
    return sorted(chance.randint(0, size) for _ in range(chance.randint(1, CUTS)))


def _batches(given: Any, cuts: Sequence[int]) -> Iterator[Any]:
    found = pieces(given, cuts)
    return ([piece] for piece in found) if isinstance(given, bytes) else found
