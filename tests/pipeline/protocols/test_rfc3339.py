"""Moments as Ollama writes them, and back."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir.pipeline.protocols.rfc3339 import moment_of, unix_seconds

LATEST = 253_402_300_799
"""The last second of the year 9999."""


@given(st.integers(0, LATEST))
def test_a_moment_is_what_the_calendar_says(seconds: int) -> None:
    """Every second from 1970 to 9999, and the same second back."""
    assert moment_of(seconds) == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert unix_seconds(moment_of(seconds)) == seconds


@pytest.mark.parametrize(
    ("moment", "seconds"),
    [
        ("2026-11-20T10:00:00.1Z", 1795168800),
        ("2026-11-20T10:00:00.123456789-07:00", 1795168800 + 7 * 3600),
        ("2026-11-20t10:00:00+00:30", 1795168800 - 1800),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-20T10:00:00Z", None),
        ("2026-11-00T10:00:00Z", None),
        ("0000-11-20T10:00:00Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_what_a_server_may_write(moment: str, seconds: int | None) -> None:
    """Fractions and offsets; Go's zero time, and what is no moment, are nothing."""
    assert unix_seconds(moment) == seconds
