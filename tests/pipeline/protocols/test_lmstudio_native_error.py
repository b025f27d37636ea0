"""LM Studio's own error object as a failure."""

import pytest

from tokenweir.pipeline.protocols.lmstudio_native_error import native_failure


@pytest.mark.parametrize(
    ("code", "kind", "retryable"),
    [
        ("generic.noModelMatchingQuery", "model_not_found", False),
        ("generic.specificModelUnloaded", "model_crashed", True),
        ("generic.engineDoesNotSupportFeature", "bad_request", False),
        ("generic.news", "upstream", False),
    ],
)
def test_its_codes(code: str, kind: str, *, retryable: bool) -> None:
    """Each is a kind of ours; an unknown one is told by its words."""
    failure = native_failure({"title": "No", "displayData": {"code": code}})

    assert (failure.kind, failure.code, failure.retryable, failure.message) == (kind, code, retryable, "No")


def test_its_words() -> None:
    """The title, what caused it and what helps; never the stack."""
    error = {
        "title": "Failed.",
        "cause": "The model has crashed.",
        "suggestion": "Load it.",
        "stack": "at x.js",
    }
    failure = native_failure(error)

    assert failure.message == "Failed. The model has crashed. Load it."
    assert failure.kind == "model_crashed"
    assert failure.native is not None
    assert b"x.js" not in bytes(failure.native)


@pytest.mark.parametrize(("error", "message"), [("gone", "gone"), (None, "the backend reported an error")])
def test_no_object(error: object, message: str) -> None:
    """It is told all the same."""
    assert native_failure(error).message == message


def test_the_root_title() -> None:
    """Where there is no other."""
    assert native_failure({"rootTitle": "Channel Error"}).message == "Channel Error"
