"""What goes wrong on the command line, as one line on stderr and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

BAD_INPUT = 2
INTERNAL = 70  # EX_SOFTWARE of sysexits.h: a fault of Netloom's own
DEBUG = "NETLOOM_DEBUG"


class UsageError(ValueError):
    """Something asked for on the command line cannot be had: found, expected, remedy."""

    def __init__(self, found: str, expected: str, remedy: str) -> None:
        super().__init__(f"found {found}, expected {expected}; {remedy}")


def guarded(run: Callable[[], object]) -> int:
    """The exit code of `run`; every error it raises becomes one line on stderr.

    A reader that closes the pipe ends the command quietly. With NETLOOM_DEBUG set, errors keep
    their traceback.
    """
    try:
        code = run()
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except BrokenPipeError:
        # the interpreter flushes stdout once more when it ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if os.environ.get(DEBUG):
            raise
        text, code = explain(error)
        say(text)
        return code


def say(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"netloom: {text}\n")


def explain(error: Exception) -> tuple[str, int]:
    """An error in one line, and the exit code that goes with it."""
    code = BAD_INPUT
    message = getattr(error, "format_message", None)  # of the argument parser
    if message is not None:
        command = getattr(getattr(error, "ctx", None), "command_path", "netloom")
        text = f"{message().rstrip('.')}; see `{command} --help`"
    elif isinstance(error, OSError):
        text = _system(error)
    elif isinstance(error, MemoryError):
        text = f"found too little memory, expected room for the model; {error or 'make it smaller'}"
    elif isinstance(error, ModuleNotFoundError) and not _ours(error.name or ""):
        text = f"found no package {error.name!r}, expected it installed; pip install {error.name}"
    elif isinstance(error, (ValueError, RuntimeError)) and not isinstance(error, RecursionError):
        text = str(error) or type(error).__name__
    else:
        text = (
            f"a fault in Netloom, please report it: {type(error).__name__}: {error}; "
            f"{DEBUG}=1 shows where"
        )
        code = INTERNAL
    return " ".join(text.split()), code


def _ours(module: str) -> bool:
    return module.split(".")[0] in ("netloom", "graph", "compute", "gui", "resources")


def _system(error: OSError) -> str:
    """An error of the operating system, with the file it is about."""
    about = repr(str(error.filename)) if error.filename is not None else "the system"
    known = {
        FileNotFoundError: (f"no file {about}", "one that exists", "check the path"),
        IsADirectoryError: (f"the folder {about}", "a file", "name a file in it"),
        NotADirectoryError: (f"{about} inside a file", "a folder", "check the path"),
        FileExistsError: (f"{about}, which exists", "a free name", "choose another"),
        PermissionError: (f"no permission for {about}", "access", "check who owns it"),
    }
    for kind, (found, expected, remedy) in known.items():
        if isinstance(error, kind):
            return f"found {found}, expected {expected}; {remedy}"
    return f"{about}: {error.strerror or error}"
