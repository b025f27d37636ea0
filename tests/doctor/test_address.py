"""Whose address it is, and where its APIs begin."""

import pytest

from tokenweir.doctor.address import is_local, read_address
from tokenweir.pipeline.errors import MisuseError


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("localhost:1234", "http://localhost:1234"),
        ("http://localhost:1234/", "http://localhost:1234"),
        ("http://localhost:1234/v1/chat/completions", "http://localhost:1234"),
        ("http://localhost:1234/api/v1", "http://localhost:1234"),
        ("http://localhost:11434/api", "http://localhost:11434"),
        ("http://gpu-box:8080/llm/v1", "http://gpu-box:8080/llm"),
        ("https://openrouter.ai/api/v1", "https://openrouter.ai/api"),
        ("https://generativelanguage.googleapis.com/v1beta", "https://generativelanguage.googleapis.com"),
    ],
)
def test_the_root_stands_before_any_api(url: str, root: str) -> None:
    """People copy the address of whichever API they use."""
    assert read_address(url).root == root


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("172.16.0.1", True),
        ("fe80::1%eth0", True),
        ("::1", True),
        ("box.local", True),
        ("ollama", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("api.openai.com", False),
        ("localhost.example.com", False),
        ("134744072", False),
        ("0x08080808", False),
    ],
)
def test_what_is_near_costs_nothing(host: str, local: bool) -> None:  # noqa: FBT001 - a table's column
    """By name or number; no name server is asked."""
    assert is_local(host) is local


def test_no_key_in_clear_text() -> None:
    """P24: a host that is not near is asked over TLS where the address does not say how."""
    assert read_address("api.openai.com").root == "https://api.openai.com"
    assert read_address("gateway.example.com:8443/v1").root == "https://gateway.example.com:8443"
    assert read_address("localhost:1234").root == "http://localhost:1234"


def test_known_hosts_and_their_paths() -> None:
    """Each provider's source is given the address as it takes it."""
    gemini = read_address("https://generativelanguage.googleapis.com")

    assert (gemini.provider, gemini.local) == ("gemini", False)
    assert gemini.base_url("gemini").endswith("/v1beta")
    assert read_address("localhost:1").base_url("ollama") == "http://localhost:1"
    assert read_address("localhost:1").base_url("vllm") == "http://localhost:1/v1"


@pytest.mark.parametrize("url", ["ftp://host", "http://", "http://user:pass@host", "http://host/?key=x", ""])
def test_what_is_no_address(url: str) -> None:
    """A credential in an address is refused, and not shown."""
    with pytest.raises(MisuseError) as refused:
        read_address(url)

    assert "pass" not in str(refused.value).replace("password", "")
