"""One channel of one choice, as `cumulative_detect` sees it: the two readings, and which one holds.

Law of this file: the state machine of a single channel. Pure: it answers what a chunk means, and
keeps no order among channels (the stage does).

    OPEN ──enough was resent──> CUMULATIVE ──a restart──> OPEN, on the base of what was sent
      └───────a misfit────────> DELTA, for good

The cases 1 to 10 are those of PROTOCOLS 8.2.
"""

from collections.abc import Sequence
from enum import Enum
from io import StringIO

from tokenweir.pipeline.events import Channel, Delta, Event, Snapshot, ToolDelta
from tokenweir.pipeline.json_text import Brackets, is_json
from tokenweir.stages.cumulative_evidence import common_prefix, convincing, refrain, settling

REPEAT_CHARACTERS, REPEAT_DELTAS = 32, 3
"""A chunk can be a repeat of everything only from this much text and this many deltas on."""
HELD_STALLS = 32
"""So many chunks without growth are enough: a line that is written a hundred times is not waited for."""
MEMORY_CHARACTERS = 262_144
"""Beyond this much text a DELTA channel forgets it: a final repeat is then not recognised."""

_HALF = "\ufffd"


class State(Enum):
    """Which reading holds."""

    OPEN = 0
    CUMULATIVE = 1
    DELTA = 2


class Track:
    """What is known of one channel."""

    def __init__(self, channel: Channel | None, index: int, call: int | None, *, declared: bool) -> None:
        self.channel: Channel | None = channel
        self.index = index
        self.call = call
        self.declared = declared
        self.state = State.CUMULATIVE if declared else State.OPEN
        self.resent = 0
        self.segment_over = False  # a tool call came since the last chunk (case 10)
        self._base = ""  # what earlier segments sent
        self._last = ""  # the last snapshot of this segment
        self._tail = ""  # U+FFFD at the end of the last snapshot (case 7)
        self._rewound = ""  # a rewind that may turn out to be a restart
        self._chain = ""  # the last snapshot in the cumulative reading of held chunks
        self._resend = ""  # what the last extension of the chain resent
        self._growths = self._stalls = 0
        self.sent = 0
        self._text = StringIO()
        self._size = 0
        self._deltas = 0
        self._brackets = Brackets() if channel is None else None  # of a call's arguments
        self._unread: list[str] = []  # arguments whose brackets were not looked at yet

    # --- OPEN ---------------------------------------------------------------------------------

    @property
    def new(self) -> bool:
        """No chunk yet: the first one means the same in both readings."""
        return not self._last and not self._tail

    def first(self, text: str) -> list[Event]:
        """The first chunk goes out at once, but for half a character at its end."""
        self._last = self._chain = text.rstrip(_HALF)
        self._tail = text[len(self._last) :]
        self.sent = len(text)
        return [self._snapshot(self._last)] if self._last else []

    def test(self, text: str) -> State:
        """Weigh one more chunk; DELTA or CUMULATIVE where that settles it."""
        whole = text.rstrip(_HALF)
        self.sent += len(text)
        if not whole.startswith(self._chain):
            return State.DELTA
        if len(whole) > len(self._chain):
            self._growths += 1
            self._stalls = 0
            resend, self._chain = self._chain, whole
            if self._growths > 1 and not refrain(resend):
                self._resend = resend
                if convincing(resend, self._growths):
                    return State.CUMULATIVE
            return State.OPEN
        self._stalls += 1
        return State.OPEN if self._stalls < HELD_STALLS else self.settled(None)

    def settled(self, tokens: int | None) -> State:
        """The reading of an undecided channel when it must be settled."""
        cumulative = settling(self._resend, self._growths, self.sent, tokens)
        return State.CUMULATIVE if cumulative else State.DELTA

    def settle(self, state: State) -> list[Event]:
        """Take a reading. What the first chunk held back of itself is given up to DELTA."""
        self.state = state
        if state is State.CUMULATIVE:
            return []
        self._remember(self._base + self._last)
        tail, self._tail = self._tail, ""
        return self.delta(tail) if tail else []

    # --- CUMULATIVE ---------------------------------------------------------------------------

    def cumulative(self, text: str) -> list[Event]:
        """A chunk of a cumulative channel."""
        whole = text.rstrip(_HALF)
        rewound, self._rewound = self._rewound, ""
        if self._last.startswith(whole) and whole != self._last:
            self._rewound = whole if not rewound.startswith(whole) else rewound
            return [self._snapshot(self._last)]
        over, self.segment_over = self.segment_over, False
        if whole.startswith(self._last):
            pass
        elif 2 * common_prefix(whole, self._last) < len(self._last):
            return self._restart(text, "" if whole.startswith(rewound) else rewound, stays=over)
        self._last, self._tail = whole, text[len(whole) :]
        return [self._snapshot(whole)]

    def _restart(self, text: str, rewound: str, *, stays: bool) -> list[Event]:
        """Less than half in common: the chunk is text of its own (cases 9 and 10)."""
        self._base += self._last + self._tail + rewound
        self._last = self._tail = self._chain = self._resend = ""
        self._growths = self._stalls = 0
        if stays:
            return self.cumulative(text)
        self.state = State.OPEN
        return self.first(text)

    def finish(self) -> list[Event]:
        """The choice is over: give up what was held back at the end. A rewind that nothing followed is
        no text (case 6), unless a new segment had begun."""
        tail, self._tail = self._tail, ""
        lost, self._rewound = self._rewound, ""
        if lost and self.segment_over and 2 * len(lost) < len(self._last):
            self._base, self._last = self._base + self._last + tail, lost
            return [self._snapshot(lost)]
        if tail:
            self._last += tail
            return [self._snapshot(self._last)]
        return []

    def _snapshot(self, text: str) -> Event:
        return Snapshot(self._base + text, self.channel or "tool", self.index, self.call)

    # --- DELTA --------------------------------------------------------------------------------

    def delta(self, text: str) -> list[Event]:
        """A chunk of a delta channel: new text."""
        self._remember(text)
        if self.channel is None:
            return [ToolDelta(self.call or 0, None, None, text, self.index)]
        return [Delta(text, self.channel, self.index)]

    def takes(self, events: Sequence[Event]) -> bool:
        """Take a batch at once, where it is nothing but ordinary new text of this channel: too short,
        each piece, to be anything else."""
        if len(events) == 1:
            return self.takes_one(events[0])
        texts = [
            event.text
            for event in events
            if type(event) is Delta and event.channel == self.channel and event.index == self.index
        ]
        if len(texts) < len(events) or len(max(texts, key=len, default="")) >= REPEAT_CHARACTERS:
            return False
        self._deltas += len(texts) - 1
        self._remember("".join(texts))
        return True

    def takes_one(self, event: Event) -> bool:
        """As `takes`, for one event."""
        if type(event) is not Delta or event.channel != self.channel or event.index != self.index:
            return False
        if len(event.text) >= REPEAT_CHARACTERS:
            return False
        self._remember(event.text)
        return True

    def repeats(self, text: str) -> bool:
        """Whether the chunk repeats the whole text, exactly (case 1)."""
        return (
            len(text) == self._size
            and len(text) >= REPEAT_CHARACTERS
            and self._deltas >= REPEAT_DELTAS
            and text == self._text.getvalue()
        )

    def replaced(self, text: str) -> list[Event] | None:
        """Two readings that only some chunks have; None for ordinary text.

        Arguments that are whole JSON already cannot go on with `{`: the chunk replaces them (PROTOCOLS
        8.3). A channel declared cumulative that began with deltas may send everything later (case 3).
        """
        if self.channel is None:
            return self._replaced_arguments(text) if text.startswith('{"') and self._balanced() else None
        if not self.declared or len(text) < max(self._size, REPEAT_CHARACTERS) or not self._size:
            return None
        if self._size > MEMORY_CHARACTERS:
            return None
        known = self._text.getvalue()
        if not text.startswith(known):
            return None
        self.resent += len(known.encode())
        return self.delta(text[len(known) :]) if len(text) > len(known) else []

    def _balanced(self) -> bool:
        """Whether no bracket of the arguments so far is open; each character is looked at once."""
        if not self._size or self._brackets is None:
            return False
        fresh = "".join(self._unread)
        self._unread.clear()
        return self._brackets.add(fresh.encode("utf-8", "surrogatepass"))

    def _replaced_arguments(self, text: str) -> list[Event] | None:
        known = self._text.getvalue()
        if self._size > MEMORY_CHARACTERS or not known.startswith("{") or not is_json(known.encode()):
            self._brackets = None  # never again: it was looked at once
            return None
        self.resent += len(text.encode())
        self._text, self._size, self._brackets = StringIO(), 0, Brackets()
        self._remember(text)
        return [] if text == known else [self._snapshot(text)]

    def _remember(self, text: str) -> None:
        self._size += len(text)
        self._deltas += 1
        if self._size <= MEMORY_CHARACTERS:
            self._text.write(text)
            if self._brackets is not None:
                self._unread.append(text)


def text_of(event: Event) -> str:
    """What an event adds to its channel."""
    if isinstance(event, Delta):
        return event.text
    return event.arguments if isinstance(event, ToolDelta) else ""
