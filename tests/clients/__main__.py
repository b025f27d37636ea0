"""`python -m tests.clients [CLIENT...]`, or `make test-clients`: real clients against the real gateway.

Law of this file: install what can be installed, test what is there, and fail where nothing is.
"""

import argparse
import subprocess
import sys

from tests.clients.installing import CLIENTS, ROOT, install, missing


def main() -> int:
    """The exit code: pytest's, or 1 where no client could be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument(
        "clients", nargs="*", metavar="CLIENT", help=f"one of {', '.join(CLIENTS)}; by default all"
    )
    names: list[str] = parser.parse_args().clients or list(CLIENTS)
    unknown = sorted(set(names) - set(CLIENTS))
    if unknown:
        parser.error(f"no such client: {', '.join(unknown)}")
    for room in sorted({CLIENTS[name].room or "" for name in names} - {""}):
        install(room)
    reasons = {name: missing(CLIENTS[name]) for name in names}
    for name, reason in reasons.items():
        if reason is not None:
            print(f"{name}: {reason}", file=sys.stderr)
    if all(reasons.values()):
        print("no client could be run: nothing was tested", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "pytest", "tests/clients", f"--clients={','.join(names)}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
