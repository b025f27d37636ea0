"""When another attempt is made, as arithmetic; test_stream_retry.py shows it at work."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenweir import Failure
from tokenweir.pipeline.retry import LOADING_WAIT, LONGEST_WAIT, SHORT_WAIT, Retry

BUSY = Failure("overloaded", "busy", retryable=True)


def after(seconds: float | None) -> Failure:
    """A failure that says when to come back."""
    return Failure("rate_limited", "later", retryable=True, retry_after=seconds)


def test_backoff() -> None:
    """P6: half a second, doubling up to eight."""
    retry = Retry(attempts=10, jitter=lambda: 0.0)

    assert [retry.delay(BUSY, attempt) for attempt in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]


@given(st.floats(0, 1, exclude_max=True), st.integers(1, 2))
def test_jitter(chance: float, attempt: int) -> None:
    """P6, T02: up to a quarter less, so that clients do not come back together."""
    full = Retry(jitter=lambda: 0.0).delay(BUSY, attempt)
    less = Retry(jitter=lambda: chance).delay(BUSY, attempt)

    assert full is not None
    assert less is not None
    assert 0.75 * full <= less <= full


def test_attempts() -> None:
    """P6: three in all, unless said otherwise."""
    assert [Retry().delay(BUSY, attempt) is None for attempt in (1, 2, 3, 4)] == [False, False, True, True]
    assert Retry(attempts=1).delay(BUSY, 1) is None


@pytest.mark.parametrize("kind", ["auth", "bad_request", "truncated", "protocol", "model_loading"])
def test_what_is_not_retryable(kind: str) -> None:
    """P6: the failure itself says whether the same request may succeed later."""
    assert Retry().delay(Failure(kind, "no"), 1) is None  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - from a table


@pytest.mark.parametrize(
    ("asked", "wait"),
    [(0.0, 0.0), (7.5, 7.5), (LONGEST_WAIT, 60.0), (60.1, None), (1e9, None), (float("inf"), None)],
)
def test_retry_after(asked: float, wait: float | None) -> None:
    """P6, U18: the backend's word counts, up to a minute."""
    assert Retry(jitter=lambda: 1.0).delay(after(asked), 1) == wait


@pytest.mark.parametrize(
    ("asked", "wait"), [(None, LOADING_WAIT), (0.0, LOADING_WAIT), (5.0, 5.0), (900.0, LONGEST_WAIT)]
)
def test_loading(asked: float | None, wait: float) -> None:
    """P6: a model that loads is asked again for as long as its stream waits, each second at most, and
    that costs no budget."""
    retry = Retry(burst=1)
    loading = Failure("model_loading", "loading", retryable=True, retry_after=asked)

    assert {retry.delay(loading, attempt) for attempt in range(1, 100)} == {wait}
    assert retry.delay(BUSY, 1) is not None


def test_budget() -> None:
    """P6: at most one retry for ten requests in the long run, with some to begin with."""
    retry = Retry(attempts=1000, burst=10, jitter=lambda: 0.0)
    first = sum(retry.delay(BUSY, 1) is not None for _ in range(100))
    later = 0
    for _ in range(1000):
        retry.request()
        later += retry.delay(BUSY, 1) is not None

    assert first == 10
    assert 98 <= later <= 100


def test_what_is_refused_costs_nothing() -> None:
    """P6: only a retry that is made is taken from the budget."""
    retry = Retry(burst=1)
    for failure in (after(61.0), Failure("auth", "no")):
        assert retry.delay(failure, 1) is None

    assert retry.delay(BUSY, 1) is not None
    assert retry.delay(BUSY, 1) is None


def test_an_idle_source_saves_no_more_than_its_burst() -> None:
    """P6: a thousand good requests do not pay for a hundred retries."""
    retry = Retry(burst=3)
    for _ in range(1000):
        retry.request()

    assert sum(retry.delay(BUSY, 1) is not None for _ in range(100)) == 3


def test_another_backend_may_be_asked() -> None:
    """P6: a backend that wants to be left alone for long is left alone, where there is another one."""
    assert Retry().delay(after(SHORT_WAIT), 1, others=True) == SHORT_WAIT
    assert Retry().delay(after(SHORT_WAIT + 0.1), 1, others=True) is None
    assert Retry().delay(after(SHORT_WAIT + 0.1), 1) is not None
    assert Retry(jitter=lambda: 0.0).delay(BUSY, 1, others=True) == 0.5
