"""Names that this server goes by."""

import pytest

from tokenweir.gateway.host import host_of, is_ours, why_refused

LOOPBACK = ("localhost", "127.0.0.1", "127.8.8.8", "[::1]", "[0:0:0:0:0:0:0:1]")
REACHED = ("192.168.1.7", "10.0.0.7:3000", "[fd00::7]")
FOREIGN = ("evil.test", "localhost.evil.test", "127.0.0.1.evil.test", "xn--lcalhost-0sb", "localhost_")


def ours(value: str, bound: str, allowed: tuple[str, ...] = ()) -> bool:
    """Whether a `Host` would be let in."""
    host = host_of(value)
    return host is not None and is_ours(host, bound, allowed)


@pytest.mark.parametrize(
    ("value", "host"),
    [
        ("LOCALHOST", "localhost"),
        ("localhost.", "localhost"),
        ("127.0.0.1.", "127.0.0.1"),
        ("127.0.0.1:65535", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("2130706433", "2130706433"),
        ("0x7f.1", "0x7f.1"),
        ("::1", None),
        ("[::1", None),
        ("[localhost]", None),
        ("a@localhost", None),
        ("localhost/x", None),
        ("localhost:x", None),
        ("localhost:1:2", None),
        ("localhost ", None),
        ("localhost\n", None),
        ("loc\u0430lhost", None),
        ("", None),
        (".", None),
        ("a" * 256, None),
    ],
)
def test_one_spelling_of_each_name(value: str, host: str | None) -> None:
    """S04: capitals, a last dot, ports, brackets; what is none of these is no name."""
    assert host_of(value) == host


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_only_loopback_names_count(bound: str) -> None:
    """S01, S04: neither other addresses nor addresses in disguise."""
    assert all(ours(name, bound) for name in LOOPBACK)
    assert not any(ours(name, bound) for name in (*REACHED, *FOREIGN))
    assert not any(ours(name, bound) for name in ("0.0.0.0", "[::]", "2130706433", "127.1", "0x7f.0.0.1"))  # noqa: S104 - a name that is sent


@pytest.mark.parametrize("bound", ["0.0.0.0", "::"])  # noqa: S104 - nothing is bound
def test_where_others_reach_it_addresses_count(bound: str) -> None:
    """An address in digits cannot be rebound; a name can (S01)."""
    assert all(ours(name, bound) for name in (*LOOPBACK, *REACHED))
    assert not any(ours(name, bound) for name in (*FOREIGN, "0.0.0.0", "[::]"))  # noqa: S104 - as above


@pytest.mark.parametrize("bound", ["192.168.1.7", "fd00::7", "llm.lan"])
def test_the_address_that_it_listens_at_is_its_own(bound: str) -> None:
    """And no other one."""
    assert ours(f"[{bound}]:3000" if ":" in bound else bound, bound)
    assert not ours("192.168.1.8", bound)


def test_what_is_configured_is_allowed() -> None:
    """In any spelling, and without what is below it."""
    allowed = ("LLM.Example.org.", "fd00::9", "proxy.lan:8080")

    assert all(ours(name, "127.0.0.1", allowed) for name in ("llm.example.org:443", "[fd00::9]", "proxy.lan"))
    assert not any(ours(name, "127.0.0.1", allowed) for name in ("x.llm.example.org", "example.org"))


def test_a_refusal_names_what_was_asked_and_the_setting() -> None:
    """R08: a name of its own alphabet, and nothing of what is no name."""
    assert all(part in why_refused(host_of("LLM.lan:3000")) for part in ("'llm.lan'", "server.allowed_hosts"))
    assert "server.allowed_hosts" in why_refused(host_of("me:secret@llm.lan"))
    assert "secret" not in why_refused(host_of("me:secret@llm.lan"))
