"""Failure kinds as exceptions."""

from typing import get_args

import pytest

from tokenweir.pipeline import errors
from tokenweir.pipeline.errors import StageError, StreamError, TokenweirError, error_for
from tokenweir.pipeline.events import End, Failure, FailureKind

KINDS: tuple[FailureKind, ...] = get_args(FailureKind)

EXPECTED: dict[FailureKind, str] = {
    "connect": "UnreachableError",
    "timeout": "DeadlineError",
    "auth": "RequestError",
    "bad_request": "RequestError",
    "context_length": "RequestError",
    "model_not_found": "RequestError",
    "model_loading": "BusyError",
    "overloaded": "BusyError",
    "rate_limited": "BusyError",
    "shutting_down": "BusyError",
    "model_crashed": "BackendError",
    "upstream": "BackendError",
    "protocol": "BackendError",
    "producer_lost": "BackendError",
    "resume_gap": "BackendError",
    "truncated": "TruncatedError",
    "limit": "LimitError",
    "cancelled": "BackendError",
    "sink": "SinkError",
    "stage": "StageError",
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_exception(kind: FailureKind) -> None:
    """DESIGN 3: one list of kinds for events, exceptions, logs and metrics."""
    end = End("error", Failure(kind, "what happened"))
    error = error_for(end, "so far")

    assert type(error).__name__ == EXPECTED[kind]
    assert isinstance(error, TokenweirError)
    assert "what happened" in str(error)
    if isinstance(error, StreamError):
        assert (error.end, error.failure, error.partial) == (end, end.failure, "so far")
        assert str(error) == f"{kind}: what happened"
    else:
        assert isinstance(error, StageError)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """Each class stands in the drawing, under its parent."""
    drawn = errors.__doc__ or ""
    depth: dict[str, int] = {}
    for line in drawn.splitlines():
        name = line.strip("│ ├└─").split(" ")[0]
        if name.endswith("Error"):
            depth[name] = len(line) - len(line.lstrip("│ ├└─"))
    classes = [
        thing
        for thing in vars(errors).values()
        if isinstance(thing, type) and issubclass(thing, TokenweirError)
    ]

    assert set(depth) == {each.__name__ for each in classes}
    for each in classes:
        parents = [base for base in each.__mro__[1:] if base in classes]
        assert depth[each.__name__] == 4 * len(parents), each


def test_an_end_without_a_failure() -> None:
    """A broken end always becomes an exception."""
    assert "truncated" in str(error_for(End("truncated")))
