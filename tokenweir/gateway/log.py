"""The gateway's log: one structured line for each request, and a few for its own life.

Law of this file: constant event names, values that anybody may see. No prompt, no answer, no key, no query
string (PROMISES P24, fault S16); whatever a client or a backend chose was made visible and cut short, so that
one event is one line (S07). Where nobody has configured structlog, it is silent.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Literal

import structlog

from tokenweir.gateway.live import Answer
from tokenweir.pipeline.visible import visible

_LONGEST = 200


def configure_log(form: Literal["text", "json"]) -> None:
    """Send the log to standard error. The library's own line for each stream is left out: an `answer` line
    has all of it and more."""
    render: Any = structlog.processors.JSONRenderer()
    if form == "text":
        render = structlog.dev.ConsoleRenderer(
            colors=False, pad_event_to=0, repr_native_str=True, sort_keys=False
        )
    structlog.configure(
        processors=[
            _ours_only,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper("iso", utc=True),
            _visible,
            *([_told] if form == "text" else []),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def log_answer(answer: Answer) -> None:
    """`answer`, once for each that began: its outcome and its figures."""
    failure, end = answer.failure, answer.end
    stats = None if end is None else end.stats
    duration = (answer.ended or answer.started) - answer.started
    first = None if answer.first_token is None else round(answer.first_token - answer.started, 3)
    _tell(
        "info",
        "answer",
        outcome=answer.outcome,
        status=answer.status,
        model=answer.model,
        backend=answer.backend,
        tried=", ".join(answer.tried) if len(answer.tried) > 1 else None,
        kind=failure.kind if failure else None,
        waiting_for=failure.phase if failure else None,
        duration=round(duration, 3),
        first_token=first,
        characters=answer.characters,
        output_tokens=answer.usage.output if answer.usage else None,
        client=answer.key,
        endpoint=answer.endpoint,
        asked=answer.asked,
        attempts=stats.attempts if stats else None,
        amplification=round(stats.amplification, 2) if stats else None,
        bytes_out=answer.wire_bytes,
        request=answer.request_id,
    )


def log_refused(request_id: str, method: str, route: str, status: int, kind: str) -> None:
    """`refused`, once for each request that got no answer and began none."""
    _tell("info", "refused", status=status, kind=kind, method=method, route=route, request=request_id)


def log_life(event: str, **values: Any) -> None:
    """What happens to the gateway itself: `serving`, `reloaded`, `draining`, `stopped`, ..."""
    _tell("info", event, **values)


def log_trouble(event: str, **values: Any) -> None:
    """What an operator should look at."""
    _tell("warning", event, **values)


def _tell(level: str, event: str, **values: Any) -> None:
    """A log that fails (its file closed, its disk full) harms no answer."""
    with suppress(Exception):
        if structlog.is_configured():
            getattr(structlog.get_logger("tokenweir.gateway"), level)(event, **values)


def _ours_only(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.get("event") == "stream_end":
        raise structlog.DropEvent
    return event


def _visible(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: _short(value) if isinstance(value, str) else value for name, value in event.items()}


def _told(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """People need not read what is not there; programs get every field."""
    return {name: value for name, value in event.items() if value is not None}


def _short(text: str) -> str:
    return visible(text)[:_LONGEST]
