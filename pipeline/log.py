"""Logging: one structured line per stream, with its figures and without its text.

Law of this file: structlog, constant event names, and silence unless the application has configured
structlog: its default would print to standard output, which belongs to the application. No prompt,
no answer and no credential is ever a value here (PROMISES P24, fault S16).
"""

import sys
from contextlib import suppress
from typing import Any

from tokenweir.pipeline.events import End


def log_end(provider: str, model: str | None, end: End) -> None:
    """`stream_end`, once per stream. A logger that fails (its file closed, its disk full) does not
    break the stream that it tells of.

    An application that has configured structlog has imported it: importing it here would cost every
    other one 40 ms at its start.
    """
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        with suppress(Exception):
            _log_end(structlog.get_logger("tokenweir"), provider, model, end)


def _log_end(log: Any, provider: str, model: str | None, end: End) -> None:
    failure = end.failure
    report = log.info if end.outcome in ("complete", "cancelled") else log.warning
    report(
        "stream_end",
        provider=provider,
        model=model,
        outcome=end.outcome,
        kind=failure.kind if failure else None,
        waiting_for=failure.phase if failure else None,
        duration=round(end.stats.duration, 3),
        first_token=end.stats.first_token,
        characters=end.stats.characters,
        chunks=end.stats.chunks,
        wire_bytes=end.stats.wire_bytes,
        amplification=round(end.stats.amplification, 2),
        revisions=end.stats.revisions,
        attempts=end.stats.attempts,
    )
