"""Logging: one structured line per stream, with its figures and without its text, and a few warnings.

Law of this file: structlog, constant event names, and silence unless the application has configured
structlog: its default would print to standard output, which belongs to the application. No prompt,
no answer and no credential is ever a value here (PROMISES P24, fault S16). A logger that fails (its file
closed, its disk full) does not break the stream that it tells of.
"""

import sys
from contextlib import suppress
from typing import Any

from tokenweir.pipeline.events import End


def log_end(provider: str, model: str | None, end: End) -> None:
    """`stream_end`, once per stream."""
    with suppress(Exception):
        log = _logger()
        if log is not None:
            _log_end(log, provider, model, end)


def log_model_mismatch(provider: str, asked: str | None, answered: str | None) -> None:
    """`model_mismatch`, once per stream that another model answers than the one that was asked for."""
    with suppress(Exception):
        log = _logger()
        if log is not None:
            log.warning("model_mismatch", provider=provider, asked=asked, answered=answered)


def log_keep_warm_failed(provider: str, model: str | None, kind: str, again: float) -> None:
    """`keep_warm_failed`, once per attempt: its failure's kind, and in how many seconds the next one is."""
    with suppress(Exception):
        log = _logger()
        if log is not None:
            log.warning("keep_warm_failed", provider=provider, model=model, kind=kind, again=round(again, 3))


def _logger() -> Any:
    """The application's logger; None where it has not configured structlog.

    An application that has configured it has imported it: importing it here would cost every other one
    40 ms at its start.
    """
    structlog = sys.modules.get("structlog")
    if structlog is not None and structlog.is_configured():
        return structlog.get_logger("tokenweir")
    return None


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
