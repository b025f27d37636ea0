"""What a source sends beside a request: checked before it is sent, and taken out of what comes back."""

import msgspec
import pytest

from tokenweir.pipeline.errors import MisuseError
from tokenweir.pipeline.sources.credentials import read_base_url, read_headers, read_key, secrets_of, without

KEY = "canary-5cf1-key"


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://localhost:1234", "http://localhost:1234/v1"),
        ("http://localhost:1234/", "http://localhost:1234/v1"),
        ("https://box/api/v3//", "https://box/api/v3"),
        ("https://BOX:1/", "https://BOX:1/v1"),
    ],
)
def test_addresses(url: str, address: str) -> None:
    """C06: a path is kept, without its last slash; where there is none, the default stands."""
    assert read_base_url(url, "mlx") == address


def test_the_default_path_is_the_provider_s() -> None:
    """C06: it may be another, or none at all."""
    assert read_base_url("http://box", "gemini", "/v1beta") == "http://box/v1beta"
    assert read_base_url("http://box/", "ollama", "") == "http://box"


@pytest.mark.parametrize(
    "url", ["box:1234", "ftp://box", "http://", "http://box:0", "http://box:99999", "http://[::1"]
)
def test_what_is_no_address(url: str) -> None:
    """C06: told with the provider, and with an address that would do."""
    with pytest.raises(MisuseError, match="for mlx: give an address like http://localhost:1234/v1"):
        read_base_url(url, "mlx")


@pytest.mark.parametrize(
    "url", [f"http://u:{KEY}@box/v1", f"http://box?key={KEY}", f"http://box/#{KEY}", f"ftp://u:{KEY}@box"]
)
def test_a_credential_in_an_address(url: str) -> None:
    """C06, P24: refused, and not repeated."""
    with pytest.raises(MisuseError) as refused:
        read_base_url(url, "mlx")

    assert KEY not in str(refused.value)


def test_keys() -> None:
    """C08: an empty one is none; one that no header can hold is refused, and not repeated."""
    assert read_key(KEY) == KEY
    assert read_key("") is None
    assert read_key(None) is None
    for wrong in (f" {KEY}", f"{KEY}\n", f"{KEY}é", f"a\0{KEY}"):
        with pytest.raises(MisuseError, match="api_key has white space") as refused:
            read_key(wrong)
        assert KEY not in str(refused.value)


def test_headers() -> None:
    """S09: as they are, where a header can hold them."""
    given = {"X-A": "1", "x-b": "two words", "X-Empty": ""}

    assert read_headers(given, {}) == given
    assert read_headers({"X-Api-Key": "1"}, {"Authorization": "Bearer a"}) == {"X-Api-Key": "1"}


@pytest.mark.parametrize(
    ("name", "value"), [("", "v"), ("a b", "v"), ("a:", "v"), ("a", "v\r\nb: c"), ("a", "v "), ("a", "\x7f")]
)
def test_headers_that_cannot_be_sent(name: str, value: str) -> None:
    """P25, S09: nothing can be smuggled into a request's head."""
    with pytest.raises(MisuseError, match="characters that no header can hold"):
        read_headers({name: value}, {})


def test_a_second_credential() -> None:
    """R11: under any spelling of the header that carries the key."""
    with pytest.raises(
        MisuseError, match=r"a credential comes once: as api_key=\.\.\., or as headers={'X-KEY'"
    ):
        read_headers({"X-KEY": "a"}, {"x-key": "b"})


def test_what_is_secret() -> None:
    """P24: a value, and what stands behind its scheme, the longest first; nothing that is too short."""
    assert secrets_of(f"Bearer {KEY}", "short", "") == [f"Bearer {KEY}", KEY]


@pytest.mark.parametrize(
    "secret", ["plain-secret", 'quo"ted-secret', "back\\slash-secret", "apo'strophe-secret"]
)
def test_secrets_are_taken_out(secret: str) -> None:
    """S10: as they are, as JSON writes them, and as Python does."""
    secrets = secrets_of(secret)
    texts = (secret, msgspec.json.encode(secret).decode(), repr(secret), f"a {secret} b {secret}")

    for text in texts:
        assert secret not in without(secrets, text)
        assert "secret" not in without(secrets, text)
    assert without(secrets, "a plain text") == "a plain text"


@pytest.mark.parametrize(
    "spelled",
    [
        "canary%2Fkey%2bwith%3D",
        "canary/key%2Bwith=",
        r"canary\/key+with\u003D",
        "canary&#x2F;key&#43;with&equals;",
        "canary%252Fkey%252Bwith%253D",
    ],
)
def test_secrets_in_addresses_and_pages(spelled: str) -> None:
    """S06: as URLs and HTML write them, a backend's refusal quotes them too."""
    secrets = secrets_of("canary/key+with=")

    assert without(secrets, f"GET /v1?key={spelled}&x=1: é\ud800") == "GET /v1?key=***&x=1: é\ud800"
    assert without(secrets, f"{spelled}{spelled}") == "******"


def test_secrets_that_overlap() -> None:
    """P24: nothing is left between them."""
    assert without(["abcabc"], "xabcabcabcx abcabc") == "x***x ***"


def test_a_cut_text_may_end_in_a_secret() -> None:
    """S10: the beginning of one is taken out too, where the text is long enough to have been cut."""
    secrets = secrets_of(KEY)
    padding = "x" * 200

    assert without(secrets, padding + KEY[:9]) == padding + "***"
    assert without(secrets, padding + KEY[:3]) == padding + KEY[:3]
    assert without(secrets, "x" + KEY[:9]) == "x" + KEY[:9]
    assert without(secrets, padding + KEY[:6] + r"\u002") == padding + "***"
