"""`python -m tokenweir` starts the command line, or says what it needs."""

import subprocess
import sys


def run(program: str) -> subprocess.CompletedProcess[str]:
    """A program, in a process of its own."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_without_the_extra_it_says_how_to_get_it() -> None:
    """One line, and 2."""
    ran = run(
        "import sys; sys.modules['click'] = None; from tokenweir.__main__ import main; sys.exit(main())"
    )

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == "The command line needs an extra: pip install 'tokenweir[cli]'\n"


def test_it_is_the_command_line() -> None:
    """The module, run, is the command."""
    ran = run(
        "import runpy, sys; sys.argv[1:] = ['--help']; runpy.run_module('tokenweir', run_name='__main__')"
    )

    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("Usage: tokenweir [OPTIONS] COMMAND")
