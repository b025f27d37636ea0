"""`python -m tokenweir`, and the entry of the `tokenweir` command.

Law of this file: it imports nothing that the library's own dependencies do not bring, so that it can
say what is missing.
"""

import sys
from importlib.util import find_spec

NEEDED = ("click", "rich")
"""What the extra `cli` brings."""


def main() -> int:
    """Run the command line with `sys.argv`; the exit code. 2, with a hint, where the extra is missing."""
    if any(find_spec(name) is None for name in NEEDED):
        sys.stderr.write("The command line needs an extra: pip install 'tokenweir[cli]'\n")
        return 2
    from tokenweir.cli.app import run  # noqa: PLC0415 - it needs what was just looked for

    return run()


if __name__ == "__main__":
    sys.exit(main())
