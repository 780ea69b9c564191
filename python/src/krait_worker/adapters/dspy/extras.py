"""What a part of DSPy needs beside DSPy itself, and how to get it."""

import importlib.metadata
import importlib.util
import re
import shutil

import dspy

from krait_worker.adapters.dspy import supported
from krait_worker.adapters.dspy.run import INTERPRETERS
from krait_worker.faults import InvalidInput

#: Where the package to install is named otherwise than the module it holds.
_PACKAGES = {"faiss": "faiss-cpu"}


def need(modules: tuple[str, ...], name: str, where: str) -> None:
    """Raises `InvalidInput` where one of the modules is not installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise InvalidInput(f"{where}: {name} needs {module}, {_remedy(module)}")


def check_interpreter(kind: str) -> None:
    """Raises `InvalidInput` where this DSPy has no interpreter of that kind."""
    if kind not in INTERPRETERS:
        raise InvalidInput(f"the option interpreter is {' or '.join(INTERPRETERS)}")
    if kind == "local" and not supported.LOCAL_INTERPRETER:
        raise InvalidInput(
            f"the option interpreter: DSPy {dspy.__version__} has no local one; use deno, or DSPy "
            "3.4 or newer"
        )


def need_interpreter(kind: str, name: str, where: str) -> None:
    """Raises `InvalidInput` where there is nothing to run the code of an LM."""
    if kind == "deno" and importlib.util.find_spec("deno") is None and not shutil.which("deno"):
        raise InvalidInput(
            f"{where}: {name} needs Deno, {_remedy('deno')}; or set the pool's option "
            "interpreter: local, which runs the code an LM writes without a sandbox"
        )


def missing(error: ImportError, name: str, where: str) -> InvalidInput:
    """What an import that failed within DSPy means for the caller."""
    module = (error.name or "").partition(".")[0]
    remedy = f"needs {module}, {_remedy(module)}" if module else f"needs more: {error}"
    return InvalidInput(f"{where}: {name} {remedy}")


def _remedy(module: str) -> str:
    package = _PACKAGES.get(module, module)
    wanted = re.compile(rf"{re.escape(package)}\b.*extra == \"{re.escape(package)}\"")
    listed = importlib.metadata.requires("dspy") or []
    is_extra = any(wanted.match(line) for line in listed)
    get = f'"dspy[{package}]"' if is_extra else package
    return f"which the pool's Python has not: pip install {get}"
