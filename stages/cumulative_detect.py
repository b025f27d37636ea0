"""cumulative_detect: marks as `Snapshot` what is a resend of everything so far.

Law of this file: the order of events while a reading is undecided. Which reading holds is a
question for each channel (cumulative_track.py), and how much evidence it takes stands in
cumulative_evidence.py.

While one channel holds a chunk, everything behind it waits too, so that nothing is reordered; when
the channel is settled, what waited goes through again, in order.

`auto` never harms a delta stream: a chunk is held only while it begins with the whole text so far,
and what natural text does by chance says too little to decide. Text once sent is never taken back.
"""

from collections.abc import Sequence
from typing import Literal, get_args

from tokenweir.pipeline.core import Core, Unchanged
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Channel, Delta, Done, Event, Finish, ToolDelta, Usage
from tokenweir.pipeline.stage import Stage
from tokenweir.stages.cumulative_track import State, Track, text_of

Mode = Literal["delta", "cumulative", "auto"]

HELD_EVENTS = 160
HELD_CHARACTERS = 16_384
HELD_SECONDS = 10.0
"""Bounds of what waits: events, characters of the undecided channel, and time."""


def cumulative_detect(mode: Mode = "auto") -> Stage[Event, Event]:
    """Tell resends of everything so far from new text.

    In: events of a protocol decoder. Out: `Snapshot` for cumulative channels (and for the first
    chunk of each, which is all the text so far in both readings), everything else unchanged and in
    order. `delta_extract` must follow. `mode` is what is known of the backend: `"delta"` changes
    nothing, `"cumulative"` trusts that chunks are snapshots, `"auto"` decides by the evidence.
    Held: at most HELD_EVENTS events, HELD_CHARACTERS characters and HELD_SECONDS seconds.

    Raises MisuseError for another mode.

    >>> chunks = ["I", "I am", "I am an", "I am an intelligent", "I am an intelligent AI"]
    >>> out = cumulative_detect().core().feed([Delta(text) for text in chunks])
    >>> [event.text for event in out] == chunks, type(out[-1]).__name__
    (True, 'Snapshot')
    """
    if mode not in get_args(Mode):
        msg = f"cumulative_detect({mode!r}): the mode is one of {', '.join(get_args(Mode))}"
        raise MisuseError(msg)

    def make() -> Core[Event, Event]:
        return Unchanged() if mode == "delta" else CumulativeDetect(declared=mode == "cumulative")

    return Stage(make, f"cumulative_detect({mode})", takes="raw events", gives="raw events")


class CumulativeDetect:
    """The core of `cumulative` and `auto`."""

    def __init__(self, *, declared: bool) -> None:
        self._declared = declared
        self._tracks: dict[tuple[int, str, int | None], Track] = {}
        self._spoken: dict[int, list[Track]] = {}  # those of text, not of calls, by choice
        self._waiting: list[Event] = []
        self._holder: Track | None = None
        self._settled: Track | None = None  # the last channel that gave a delta: most likely the next too
        self._since = self._now = 0.0
        self._tokens: int | None = None
        self._finished = False
        self._ever_held = 0

    def feed(self, items: Sequence[Event]) -> list[Event]:
        if self._settled is not None and self._holder is None and self._settled.takes(items):
            return list(items)
        out: list[Event] = []
        for event in items:
            if self._holder is not None:
                self._wait(event, out)
            elif self._settled is not None and self._settled.takes_one(event):
                out.append(event)
            else:
                self._pass(event, out)
        return out

    def finish(self) -> list[Event]:
        out: list[Event] = []
        self._settle_all(out)
        for track in self._tracks.values():
            out.extend(track.finish())
        return out

    def tick(self, now: float) -> list[Event]:
        out: list[Event] = []
        self._now = now
        if self._holder is not None and now >= self._since + HELD_SECONDS:
            self._settle_all(out)
        return out

    def deadline(self) -> float | None:
        return None if self._holder is None else self._since + HELD_SECONDS

    def figures(self) -> dict[str, float]:
        return {"held": self._ever_held, "resent_bytes": sum(track.resent for track in self._tracks.values())}

    # --- nothing is held ----------------------------------------------------------------------

    def _pass(self, event: Event, out: list[Event]) -> None:
        if type(event) is Delta and event.text:
            self._chunk(self._track(event.index, event.channel, None), event, event.text, out)
        elif type(event) is ToolDelta:
            self._tool(event, out)
        elif type(event) is Finish:
            for track in self._tracks.values():
                if track.index == event.index:
                    out.extend(track.finish())
            out.append(event)
        else:
            if type(event) is Done:
                for track in self._tracks.values():
                    out.extend(track.finish())
            out.append(event)

    def _tool(self, event: ToolDelta, out: list[Event]) -> None:
        for track in self._spoken.get(event.index, ()):
            track.segment_over = True
        if event.id is not None or event.name is not None:
            out.append(ToolDelta(event.call, event.id, event.name, "", event.index))
            event = ToolDelta(event.call, None, None, event.arguments, event.index)
        if event.arguments:
            self._chunk(self._track(event.index, None, event.call), event, event.arguments, out)

    def _chunk(self, track: Track, event: Event, text: str, out: list[Event]) -> None:
        if track.state is State.DELTA:
            self._delta(track, event, text, out)
        elif track.state is State.CUMULATIVE:
            out.extend(track.cumulative(text))
        elif track.new:
            out.extend(track.first(text))
        else:
            state = track.test(text)
            if state is State.OPEN:
                self._hold(track, event)
            else:
                out.extend(track.settle(state))
                self._chunk(track, event, text, out)

    def _delta(self, track: Track, event: Event, text: str, out: list[Event]) -> None:
        replaced = track.replaced(text)
        if replaced is not None:
            out.extend(replaced)
        elif track.repeats(text):
            self._hold(track, event)
        else:
            self._settled = track
            out.extend(track.delta(text))

    def _hold(self, track: Track, event: Event) -> None:
        self._holder, self._since, self._finished = track, self._now, False
        self._waiting.append(event)
        self._ever_held += 1

    # --- something is held --------------------------------------------------------------------

    def _wait(self, event: Event, out: list[Event]) -> None:
        track = self._holder
        self._waiting.append(event)
        if track is None:
            return
        if track.state is State.DELTA:
            self._wait_repeat(track, event, out)
        else:
            self._wait_open(track, event, out)
        if self._holder is not None and len(self._waiting) >= HELD_EVENTS:
            self._settle(out)

    def _wait_repeat(self, track: Track, event: Event, out: list[Event]) -> None:
        """A chunk that repeats everything: dropped only if the choice finishes next."""
        if isinstance(event, Finish) and event.index == track.index:
            repeat = self._waiting.pop(0)
            track.resent += len(text_of(repeat).encode())
            self._again(out)
        elif isinstance(event, (Delta, ToolDelta)) and event.index != track.index:
            return
        elif isinstance(event, (Delta, ToolDelta, Done)):
            self._settle(out)

    def _wait_open(self, track: Track, event: Event, out: list[Event]) -> None:
        if isinstance(event, (Delta, ToolDelta)):
            self._wait_chunk(track, event, out)
        elif isinstance(event, Usage):
            self._tokens = event.output if event.output is not None else self._tokens
            if self._finished and self._tokens is not None:
                self._settle(out)
        elif isinstance(event, Finish):
            self._finished = self._finished or event.index == track.index
        elif isinstance(event, Done):
            self._settle(out)

    def _wait_chunk(self, track: Track, event: Delta | ToolDelta, out: list[Event]) -> None:
        if not text_of(event):
            return
        if self._track_of(event) is track:
            self._ever_held += 1
            state = track.test(text_of(event))
            if state is not State.OPEN or track.sent > HELD_CHARACTERS:
                self._settle(out, None if state is State.OPEN else state)
        elif event.index == track.index and self._track_of(event) is None:
            self._settle(out)

    def _settle(self, out: list[Event], state: State | None = None) -> None:
        """Take a reading for the holder; what waited then goes through again."""
        track = self._holder
        if track is None:
            return
        if track.state is State.OPEN:
            out.extend(track.settle(state or track.settled(self._tokens)))
        else:
            out.extend(track.delta(text_of(self._waiting.pop(0))))
        self._again(out)

    def _settle_all(self, out: list[Event]) -> None:
        while self._holder is not None:
            self._settle(out)

    def _again(self, out: list[Event]) -> None:
        waiting, self._waiting, self._holder = self._waiting, [], None
        out.extend(self.feed(waiting))

    # --- channels -----------------------------------------------------------------------------

    def _track(self, index: int, channel: Channel | None, call: int | None) -> Track:
        key = (index, channel or "tool", call)
        if (track := self._tracks.get(key)) is None:
            track = self._tracks[key] = Track(channel, index, call, declared=self._declared)
            if channel is not None:
                self._spoken.setdefault(index, []).append(track)
        return track

    def _track_of(self, event: Delta | ToolDelta) -> Track | None:
        if isinstance(event, Delta):
            return self._tracks.get((event.index, event.channel, None))
        return self._tracks.get((event.index, "tool", event.call))
