"""What was found out about a backend, as a file."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tokenweir import connect
from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.profile import VERSION, Finding, Profile, read_profile

PROFILE = Profile(
    provider="mlx",
    base_url="http://host:1/v1",
    model="m",
    mode="cumulative",
    findings=(Finding("a", "ok", "b"),),
)


def test_there_and_back(tmp_path: Path) -> None:
    """As a file, by its path as text or Path, as a mapping, and as it is."""
    path = tmp_path / "profile.json"
    path.write_bytes(msgspec.json.encode(PROFILE))

    assert read_profile(path) == read_profile(str(path)) == PROFILE
    assert read_profile(msgspec.to_builtins(PROFILE)) == PROFILE
    assert msgspec.json.decode(path.read_bytes())["profile"] == "tokenweir"


def test_connect_goes_by_it() -> None:
    """Provider, address, model and mode; what is given beside it wins."""
    found: Any = connect(profile=PROFILE)
    other: Any = connect("vllm", "http://other:2/v1", profile=PROFILE, model="n", mode="delta")

    assert (found.provider, found.base_url, found.model, found.mode) == (
        "mlx",
        "http://host:1/v1",
        "m",
        "cumulative",
    )
    assert (other.provider, other.base_url, other.model, other.mode) == (
        "vllm",
        "http://other:2/v1",
        "n",
        "delta",
    )


def test_what_a_backend_lacks() -> None:
    """No finish reason, no streams: of this source alone, not of its class."""
    lacking = connect(
        profile={"profile": "tokenweir", "version": 1, "provider": "mlx", "finish_required": False}
    )
    whole = connect(profile=msgspec.structs.replace(PROFILE, supports_streaming=False))
    done = b"data: [DONE]\n\n"
    text = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'

    assert lacking.stage.core().feed([text, done])[-1].failure is None  # type: ignore[union-attr]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType] - the last event is Done
    assert not whole.request("Hi").stream
    assert connect("mlx").request("Hi").stream


def test_later_additions_do_no_harm() -> None:
    """Fields that are not known are left out."""
    told = {"profile": "tokenweir", "version": 1, "provider": "mlx", "invented": [1]}

    assert read_profile(told).provider == "mlx"


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"profile": "another", "provider": "mlx"}, "it is no profile"),
        ({"profile": "tokenweir", "provider": 3}, "it is no profile"),
        ({"profile": "tokenweir", "provider": "mlx", "mode": "odd"}, "it is no profile"),
        ({"profile": "tokenweir", "provider": "mlx", "version": VERSION + 1}, "it has version 2"),
        ("no/such/file", "cannot be read"),
    ],
)
def test_what_is_no_profile(told: Any, message: str) -> None:
    """Refused, with what is wrong."""
    with pytest.raises(MisuseError, match=message):
        connect(profile=told)


def test_broken_files(tmp_path: Path) -> None:
    """No JSON, and nesting that no stack holds."""
    for data in (b"", b"\xff", b"[" * 100_000):
        path = tmp_path / "broken.json"
        path.write_bytes(data)
        with pytest.raises(MisuseError, match="it is no profile"):
            read_profile(path)


def test_a_provider_is_needed() -> None:
    """Given, or out of a profile."""
    with pytest.raises(MisuseError, match="needs a provider, or a profile="):
        connect()
