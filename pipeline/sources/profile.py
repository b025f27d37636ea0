"""A profile: what was found out about one backend, as a file that `connect` reads.

Law of this file: the form of the file and its checks. `tokenweir doctor --json` writes it; it holds no
secret, and nothing in it names a file, a header or a credential.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from tokenweir.pipeline.errors import MisuseError
from tokenweir.stages.cumulative_detect import Mode

Verdict = Literal["ok", "odd", "bad", "unknown"]
"""`ok`: as it should be. `odd`: not so, and tokenweir sees to it. `bad`: harm that nobody behind the backend
can undo. `unknown`: it did not show."""

VERSION = 1


class Finding(Struct, frozen=True):
    """One line of a report: what was looked at, the verdict, what was seen (`said`), and what tokenweir
    does about it (`does`), or what to do. For people: `connect` does not read it."""

    name: str
    verdict: Verdict
    said: str
    does: str = ""


class Profile(Struct, frozen=True, kw_only=True, tag_field="profile", tag="tokenweir"):
    """One backend. `provider`, `base_url`, `model` and `mode` are options of `connect`; None leaves the
    provider's own. `finish_required` is false for a backend that never sends a finish reason, and
    `supports_streaming` for one that answers only in one piece. `server` and `findings` are for people.
    """

    version: int = VERSION
    server: str | None = None
    provider: str
    base_url: str | None = None
    model: str | None = None
    mode: Mode | None = None
    finish_required: bool = True
    supports_streaming: bool = True
    findings: tuple[Finding, ...] = ()

    def options(self) -> dict[str, Any]:
        """The options of the provider's class that are known."""
        return {name: value for name in ("model", "mode") if (value := getattr(self, name)) is not None}


def read_profile(profile: Profile | Mapping[str, Any] | str | Path) -> Profile:
    """The profile in a file, in what such a file holds, or as it is. Fields that are not known are left
    out, so that a later version's additions do no harm.

    Raises MisuseError for what is no profile, and for one of another version.

    >>> read_profile({"profile": "tokenweir", "version": 1, "provider": "mlx"}).provider
    'mlx'
    """
    if isinstance(profile, Profile):
        return profile
    name = str(profile) if isinstance(profile, str | Path) else "mapping"
    try:
        told = profile if isinstance(profile, Mapping) else msgspec.json.decode(Path(profile).read_bytes())
        read = msgspec.convert(told, Profile)
    except OSError as gone:
        msg = f"profile={name!r}: it cannot be read: {gone.strerror or gone}"
        raise MisuseError(msg) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as bad:
        msg = f"profile={name!r}: it is no profile as `tokenweir doctor --json` writes them: {bad}"
        raise MisuseError(msg) from None
    if read.version != VERSION:
        msg = f"profile={name!r}: it has version {read.version}, and this tokenweir reads version {VERSION}"
        raise MisuseError(msg)
    return read
