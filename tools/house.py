"""The house limits that no linter knows: sizes, forbidden calls, addresses in the source.

Run as a script it prints what it finds and exits 1; tests/architecture calls the functions.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 60

# Files that are tables, and may be as long as what they list.
TABLES: frozenset[str] = frozenset()

SKIPPED_FOLDERS = frozenset({"build", "dist", "netloom-report", "__pycache__"})
TEXT_SUFFIXES = frozenset(
    {"", ".cfg", ".csv", ".json", ".lock", ".loom", ".md", ".py", ".sh", ".svg", ".toml", ".txt"}
)

# Spelled with brackets, so that this file does not contain them itself.
MACHINE_PATH = re.compile(r"(?<![\w.}])/(wor[k]|roo[t]|hom[e]|Use[r]s|op[t])/\w|file[:]//")
HOST = re.compile(r"https?://([^/\s\"'`)>\]]+)")
PACKAGE_HOSTS = frozenset({"pypi.org", "files.pythonhosted.org"})
FORBIDDEN_MODULES = frozenset({"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve"})
FORBIDDEN_CALLS = frozenset({"eval", "exec"})


def text_files() -> Iterator[Path]:
    """Every text file of the checkout that is ours: no environment, cache or build."""
    pending = [ROOT]
    while pending:
        for path in sorted(pending.pop().iterdir()):
            hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore")
            if hidden or path.name in SKIPPED_FOLDERS or path.is_symlink():
                continue
            if path.is_dir():
                pending.append(path)
            elif path.suffix in TEXT_SUFFIXES:
                yield path


def python_files(*folders: str) -> Iterator[Path]:
    """Our Python files, or those below some top-level folders."""
    for path in text_files():
        inside = not folders or path.relative_to(ROOT).parts[0] in folders
        if path.suffix == ".py" and inside:
            yield path


def name(path: Path) -> str:
    """The path as the reader knows it."""
    return path.relative_to(ROOT).as_posix()


def long_files() -> list[str]:
    """Python files above the limit that are no tables."""
    sizes = {name(p): len(p.read_text("utf-8").splitlines()) for p in python_files()}
    return [
        f"{file}: {lines} lines, at most {FILE_LINES}"
        for file, lines in sizes.items()
        if lines > FILE_LINES and file not in TABLES
    ]


def long_functions() -> list[str]:
    """Functions above the limit, by file and line."""
    found = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES and name(path) not in TABLES:
                    where = f"{name(path)}:{node.lineno}"
                    found.append(
                        f"{where}: {node.name} has {lines} lines, at most {FUNCTION_LINES}"
                    )
    return found


def _calls(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, (node.module or "").split(".")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.lineno, f"{node.func.id}()"


def unsafe_code() -> list[str]:
    """Pickle-like imports and eval or exec in what ships."""
    bad = FORBIDDEN_MODULES | {f"{call}()" for call in FORBIDDEN_CALLS}
    return [
        f"{name(path)}:{line}: {what}"
        for path in python_files("graph", "compute", "gui", "netloom.py")
        for line, what in _calls(ast.parse(path.read_text("utf-8")))
        if what in bad
    ]


def parallel_kernels() -> list[str]:
    """Uses of Numba's own threads: its work queue aborts when two threads enter it."""
    found = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "parallel":
                if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                    found.append(f"{name(path)}:{node.value.lineno}: parallel=")
            elif isinstance(node, ast.Name | ast.Attribute):
                called = node.id if isinstance(node, ast.Name) else node.attr
                if called == "prange":
                    found.append(f"{name(path)}:{node.lineno}: prange")
    return found


def machine_traces() -> list[str]:
    """Paths of somebody's machine anywhere, and addresses in locks other than the public index."""
    found = []
    for path in text_files():
        locked = path.suffix == ".lock" or path.name.startswith("requirements")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if MACHINE_PATH.search(line):
                found.append(f"{name(path)}:{number}: {line.strip()[:80]}")
            if locked and any(host not in PACKAGE_HOSTS for host in HOST.findall(line)):
                found.append(f"{name(path)}:{number}: {line.strip()[:80]}")
    return found


def misplaced_packages() -> list[str]:
    """`__init__.py` below tests: it would shadow the package that the folder is named after."""
    return [name(p) for p in python_files("tests") if p.name == "__init__.py"]


def repeated_test_names() -> list[str]:
    """Test files of the same name in two folders."""
    names: dict[str, list[str]] = {}
    for path in python_files("tests"):
        if path.name.startswith("test_"):
            names.setdefault(path.name, []).append(name(path))
    return [" and ".join(files) for files in names.values() if len(files) > 1]


CHECKS = (
    long_files,
    long_functions,
    unsafe_code,
    parallel_kernels,
    machine_traces,
    misplaced_packages,
    repeated_test_names,
)


def main() -> int:
    """Print every finding."""
    found = [finding for check in CHECKS for finding in check()]
    print("\n".join(found) or "nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
