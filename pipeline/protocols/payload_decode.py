"""What the readers of plain event streams do alike: one JSON object after another, and an end.

Law of this file: pure; nothing of what an object means, which each protocol's own file says. Items in,
events out; half a surrogate pair held back; what cannot be read is a failure that is told, and nothing
comes after the backend's last word.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, cast

from tokenweir.pipeline.events import (
    Comment,
    Done,
    Event,
    Failure,
    Phase,
    SSEEvent,
    Start,
    WireItem,
)
from tokenweir.pipeline.json_value import as_object
from tokenweir.pipeline.protocols.extras import Extras
from tokenweir.pipeline.protocols.failures import failure_from, is_error
from tokenweir.pipeline.protocols.openai_chat_progress import phase_of
from tokenweir.pipeline.protocols.payload import read_payload, shown
from tokenweir.pipeline.protocols.unicode_halves import MendedEvents, whole


class PayloadDecode(ABC):
    """The core: `SSEEvent | Comment | Done` in, events out; `Done` once, and nothing after it.

    A protocol says in `take_object` what an object means. `finish_required` changes nothing: there is
    one end marker, and no finish without it.
    """

    def __init__(self, provider: str | None = None, *, finish_required: bool = True) -> None:
        del finish_required
        self._provider = provider
        self._started = False
        self._over = False
        self._said = False  # whether any content has come
        self._phase: Phase | None = None
        self._mended = MendedEvents()
        self._extras = Extras()
        self._chunks = 0
        self._keep_alives = 0

    @abstractmethod
    def take_object(self, fields: Mapping[str, Any], kind: str, out: list[Event]) -> None:
        """Add to `out` what one payload says; `kind` is the type of its event.

        May raise RecursionError for what is nested too deeply, and OverflowError for too much of it.
        """

    def feed(self, items: Sequence[WireItem]) -> list[Event]:
        out: list[Event] = []
        for item in items:
            if self._over:
                break
            if isinstance(item, SSEEvent):
                self._take(item, out)
            elif isinstance(item, Done):
                self.end(item.failure, out)
            elif type(item) is Comment:
                self.keep_alive(phase_of(item.text), out)
            else:
                out.append(cast("Event", item))
        return out

    def finish(self) -> list[Event]:
        """End of the body: without an end marker it was cut, which the pipeline tells."""
        out: list[Event] = []
        if not self._over:
            self._mended.flush(out)
        return out

    def figures(self) -> dict[str, float]:
        return {"chunks": self._chunks, "keep_alives": self._keep_alives}

    def end(self, failure: Failure | None, out: list[Event]) -> None:
        """The backend's last word."""
        self._mended.flush(out)
        self._over = True
        out.append(Done(failure))

    def keep_alive(self, phase: Phase, out: list[Event]) -> None:
        """A sign of life: a phase before the first content, only counted after it."""
        self._keep_alives += 1
        if not self._said:
            self.tell(phase, out)

    def tell(self, phase: Phase, out: list[Event]) -> None:
        """What is happening, unless it was said just before."""
        if phase != self._phase:
            self._phase = phase
            out.append(phase)

    def start(self, model: object, out: list[Event]) -> None:
        """The backend has answered."""
        if not self._started:
            self._started = True
            named = model if isinstance(model, str) else ""
            out.append(Start(None, self._provider, whole(named) or None))

    def marker(self, out: list[Event]) -> None:
        """`[DONE]`, which is a proxy's word here: where the answer was whole, nobody listens any more."""
        self.end(Failure("truncated", "a [DONE] came before the answer was whole"), out)

    def _take(self, item: SSEEvent, out: list[Event]) -> None:
        data = item.data.strip()
        if data.startswith(b"[DONE]"):
            self.marker(out)
        elif not data:
            self.keep_alive(Phase("prefill"), out)
        else:
            self._take_json(data, item.type, out)

    def _take_json(self, data: bytes, kind: str, out: list[Event]) -> None:
        self._chunks += 1
        try:
            self.take_value(read_payload(data), kind, out)
        except ValueError:
            told = failure_from(data.decode("utf-8", "replace")) if kind == "error" else None
            self.end(told or Failure("protocol", f"a payload is not JSON: {shown(data)}"), out)
        except RecursionError:
            self.end(Failure("protocol", "a payload is nested too deeply"), out)
        except OverflowError as many:
            self.end(Failure("limit", str(many)), out)

    def take_value(self, payload: object, kind: str, out: list[Event]) -> None:
        """What a payload says: an object, or else an error in some other form."""
        if isinstance(payload, dict):
            self.take_object(as_object(cast("object", payload)), kind, out)
        elif kind == "error" or is_error(payload):
            self.end(failure_from(payload), out)
        else:
            message = f"a payload is not a JSON object but a {type(payload).__name__}"
            self.end(Failure("protocol", message), out)
