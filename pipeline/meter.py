"""The figures of one stream: what `End.stats` tells.

Law of this file: counting, as cheaply as possible: one pass over each batch, one stamp per read. No
list grows with the stream: gaps go into a histogram whose buckets are a tenth of an octave wide.
"""

import math
from collections.abc import Mapping, Sequence

from tokenweir.pipeline.events import Delta, Done, Event, Revise, Stats, ToolDelta, Usage

_PER_OCTAVE = 10
_FLOOR = 1e-6
_LOWEST = math.floor(math.log2(_FLOOR) * _PER_OCTAVE)


class Meter:
    """Counts for one stream, from `started` (seconds on the stream's clock)."""

    __slots__ = (
        "_characters",
        "_first_byte",
        "_first_token",
        "_gaps",
        "_last_token",
        "_longest",
        "_revisions",
        "_usage",
        "attempts",
        "done",
        "started",
        "wire_bytes",
    )

    def __init__(self, started: float) -> None:
        self.started = started
        self.attempts = 1
        self.done: Done | None = None
        self.wire_bytes = 0
        self._characters = 0
        self._revisions = 0
        self._first_byte: float | None = None
        self._first_token: float | None = None
        self._last_token = started
        self._gaps: dict[int, int] = {}
        self._longest = 0.0
        self._usage: Usage | None = None

    def read(self, size: int, now: float) -> None:
        """Bytes came."""
        self.wire_bytes += size
        if self._first_byte is None:
            self._first_byte = now

    def count(self, batch: Sequence[Event], now: float) -> bool:
        """Count a batch; say whether there was content in it."""
        first = batch[0] if len(batch) == 1 else None
        if type(first) is Delta:
            self._characters += len(first.text)
            self._stamp(now)
            return True
        texts = [event.text for event in batch if type(event) is Delta]
        content = bool(texts)
        if content:
            self._characters += len("".join(texts))
        if len(texts) < len(batch):
            content = self._count_others(batch) or content
        if content:
            self._stamp(now)
        return content

    def _count_others(self, batch: Sequence[Event]) -> bool:
        content = False
        for event in batch:
            if type(event) is Delta:
                continue  # counted
            if isinstance(event, ToolDelta):
                content = True
            elif isinstance(event, Revise):
                content = True
                self._revisions += 1
            elif isinstance(event, Usage):
                self._usage = event
            elif isinstance(event, Done):
                self.done = event
        return content

    def _stamp(self, now: float) -> None:
        if self._first_token is None:
            self._first_token = now
        else:
            gap = now - self._last_token
            if gap > self._longest:  # noqa: PLR1730 - a call of max costs more than the comparison
                self._longest = gap
            bucket = math.floor(math.log2(gap) * _PER_OCTAVE) if gap > _FLOOR else _LOWEST
            self._gaps[bucket] = self._gaps.get(bucket, 0) + 1
        self._last_token = now

    def _percentile(self, share: float) -> float | None:
        total = sum(self._gaps.values())
        seen = 0
        for bucket in sorted(self._gaps):
            seen += self._gaps[bucket]
            if seen >= share * total:
                return min(self._longest, math.exp2((bucket + 0.5) / _PER_OCTAVE))
        return None

    def _rate(self) -> float | None:
        """Output tokens a second, from the first token to the last: loading and prefill left out."""
        output = self._usage.output if self._usage else None
        if output is None or self._first_token is None:
            return None
        span = self._last_token - self._first_token
        return (output - 1) / span if span > 0 and output > 1 else None

    def stats(self, now: float, figures: Mapping[str, float]) -> Stats:
        """The stream's figures, with what the cores counted."""
        sent = figures.get("sent_bytes", 0) + figures.get("resent_bytes", 0)
        new = figures.get("new_bytes", 0)
        return Stats(
            duration=now - self.started,
            first_byte=None if self._first_byte is None else self._first_byte - self.started,
            first_token=None if self._first_token is None else self._first_token - self.started,
            gap_p50=self._percentile(0.50),
            gap_p99=self._percentile(0.99),
            gap_max=self._longest if self._gaps else None,
            tokens_per_second=self._rate(),
            characters=self._characters,
            chunks=int(figures.get("chunks", 0)),
            keep_alives=int(figures.get("keep_alives", 0)),
            wire_bytes=self.wire_bytes,
            revisions=self._revisions,
            amplification=sent / new if new else 1.0,
            attempts=self.attempts,
        )
