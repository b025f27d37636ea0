"""ndjson_decode: bytes of newline-delimited JSON in, one `SSEEvent` for each object out.

Law of this file: where an object ends, and nothing of what it means. The common form (one object a
line) is checked line by line; whatever else real servers send (several objects on a line, one over
several lines, an array of them, as Gemini streams) is found by its brackets.
"""

from codecs import BOM_UTF8
from collections.abc import Sequence

from tokenweir.pipeline.core import Core
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.events import Done, Failure, SSEEvent, WireItem
from tokenweir.pipeline.json_scan import JSONScan
from tokenweir.pipeline.json_text import is_json
from tokenweir.pipeline.stage import Stage

EVENT_LIMIT = 8 * 1024 * 1024
"""Bytes that one object may take by default."""

_SAMPLE = 200


def ndjson_decode(*, limit: int = EVENT_LIMIT) -> Stage[bytes, WireItem]:
    r"""Decode a stream of JSON objects.

    In: bytes, cut anywhere. Out: an `SSEEvent` (type "message") for each object, also for those inside
    an array around all of them; one `Done(Failure("limit"))` where an object is larger than `limit`
    bytes, or `Done(Failure("protocol"))` where the body holds no object at all but something else.
    Held: one object, at most `limit` bytes.

    Raises MisuseError where `limit` is not positive.

    >>> [event.data for event in ndjson_decode().core().feed([b'{"a":1}\n{"b"', b':2}\n'])]
    [b'{"a":1}', b'{"b":2}']
    """
    if limit <= 0:
        msg = f"ndjson_decode(limit={limit}): the limit is a number of bytes, at least 1"
        raise MisuseError(msg)

    def make() -> Core[bytes, WireItem]:
        return NDJSONDecode(limit)

    return Stage(make, "ndjson_decode", takes="bytes", gives="wire")


class NDJSONDecode:
    """The core: whole lines that are whole objects go a fast way, everything else by its brackets."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._scan = JSONScan()
        self._sample: bytes | None = b""  # how the body begins, until an object is found
        self._over = False

    def feed(self, items: Sequence[bytes]) -> list[WireItem]:
        out: list[WireItem] = []
        for data in items:
            if not self._over:
                self._take(data, out)
        return out

    def _take(self, data: bytes, out: list[WireItem]) -> None:
        if self._sample is not None and len(self._sample) < _SAMPLE:
            self._sample += data[: _SAMPLE - len(self._sample)]
        if self._scan.held:
            first = data.find(b"\n") + 1 or len(data)
            self._emit(self._scan.feed(data[:first]), out)
            data = data[first:]
        end = data.rfind(b"\n") + 1
        if end and not self._scan.held:
            for line in data[:end].split(b"\n")[:-1]:
                self._take_line(line, out)
            data = data[end:]
        if data:
            self._emit(self._scan.feed(data), out)

    def _take_line(self, line: bytes, out: list[WireItem]) -> None:
        whole = line.strip()
        if not self._scan.held and whole.startswith(b"{") and is_json(whole):
            self._emit([whole], out)
        elif whole or self._scan.held:
            self._emit(self._scan.feed(line + b"\n"), out)

    def _emit(self, found: list[bytes], out: list[WireItem]) -> None:
        if found:
            self._sample = None
        for data in found:
            if self._over:  # by an earlier line of the same read
                return
            if len(data) > self._limit:
                self._stop(out)
                return
            out.append(SSEEvent(data))
        if self._scan.held > self._limit and not self._over:
            self._stop(out)

    def _stop(self, out: list[WireItem]) -> None:
        self._over = True
        self._scan = JSONScan()
        message = f"one object is larger than {self._limit} bytes (the limit of ndjson_decode)"
        out.append(Done(Failure("limit", message)))

    def finish(self) -> list[WireItem]:
        """An unfinished object is given up: the answer was cut, which the protocol's end tells."""
        sample = (self._sample or b"").removeprefix(BOM_UTF8).strip()
        if self._over or not sample or self._scan.held:
            return []
        shown = ascii(sample.decode("utf-8", "replace"))[1:-1]
        return [Done(Failure("protocol", f"the body is no stream of JSON objects; it begins: {shown}"))]
