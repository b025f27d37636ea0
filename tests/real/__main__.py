"""`python -m tests.real [SERVER...]`, or `make test-real`: the tests against real servers.

Law of this file: install what can be installed, test what is there, and fail where nothing is.
"""

import argparse
import subprocess
import sys

from tests.real.installing import ROOT, install, missing
from tests.real.servers import SERVERS


def main() -> int:
    """The exit code: pytest's, or 1 where no server could be installed."""
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument(
        "servers", nargs="*", metavar="SERVER", help=f"one of {', '.join(SERVERS)}; by default all"
    )
    names: list[str] = parser.parse_args().servers or list(SERVERS)
    unknown = sorted(set(names) - set(SERVERS))
    if unknown:
        parser.error(f"no such server: {', '.join(unknown)}")
    for name in names:
        install(SERVERS[name])
    reasons = {name: missing(SERVERS[name]) for name in names}
    for name, reason in reasons.items():
        if reason is not None:
            print(f"{name}: {reason}", file=sys.stderr)
    if all(reasons.values()):
        print("no server could be installed: nothing was tested", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "pytest", "tests/real", f"--servers={','.join(names)}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
