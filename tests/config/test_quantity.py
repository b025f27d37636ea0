"""Units that a key's number does not have."""

import pytest

from tokenweir.config.quantity import quantity


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("timeout_secs", "5s", ": seconds as a number: 5"),
        ("timeout_secs", " 1.5 minutes ", ": seconds as a number: 90"),
        ("timeout_secs", "500ms", ": seconds as a number: 0.5"),
        ("timeout_secs", "2 H", ": seconds as a number: 7200"),
        ("timeout_secs", "5 parsecs", ""),
        ("timeout_secs", "soon", ""),
        ("timeout_secs", ["5s"], ""),
        ("max_body_bytes", "10MB", ": bytes as a number: 10000000"),
        ("max_body_bytes", "1g", ": bytes as a number: 1073741824"),
        ("max_body_bytes", "5s", ""),
        ("max_tokens", "5k", ""),
    ],
)
def test_what_was_meant(name: str, value: object, said: str) -> None:
    """C04: `5s` is 5 where seconds are counted; where nothing is known, nothing is said."""
    assert quantity(name, value) == said
