"""The user's own programs: `module:Class` of `dspy.Module`, by names that the pool's options give.

Each is an operation of its name, and a `module` that specs may name. All is imported, checked and
made when the adapter is; what is wrong then is told with its place (`programs.rag: …`).
"""

import asyncio
import contextlib
import functools
import importlib
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import dspy

from krait_worker import limits
from krait_worker.adapters.base import Operation, nearest
from krait_worker.adapters.dspy import names, states
from krait_worker.adapters.dspy.construction import Means, UserProgram
from krait_worker.adapters.dspy.objects import Constructed
from krait_worker.faults import InvalidInput

_KEYS = frozenset({"class", "arguments"})


class UserPrograms:
    """The programs of the option `programs`; raises `InvalidInput`, which names the place."""

    def __init__(self, given: Any, taken: frozenset[str], means: Means) -> None:
        given = {} if given is None else given
        if not isinstance(given, dict):
            raise InvalidInput('the option programs is a map such as {"rag": "my_rag:Rag"}')
        if len(given) > limits.USER_PROGRAMS:
            raise InvalidInput(f"the option programs has at most {limits.USER_PROGRAMS} entries")
        self.known: dict[str, UserProgram] = {}
        for name, program in given.items():
            if not name.isidentifier() or len(name) > limits.NAME_BYTES:
                raise InvalidInput(f"programs: {name!r:.60} is no name: use letters, digits and _")
            if name in taken or name in names.public():
                raise InvalidInput(f"programs.{name:.60}: that name is taken; give it another")
            self.known[name] = _program(program, f"programs.{name}")
        means = means._replace(programs=self.known)
        self._shared = {name: Shared(name, means) for name in self.known}

    def operations(self, run: Callable[..., Any]) -> dict[str, Operation]:
        """The programs as operations, which `run` calls with the program before all else."""
        return {name: self._operation(name, run) for name in self.known}

    def _operation(self, name: str, run: Callable[..., Any]) -> Operation:
        function = functools.partial(run, self._shared[name])
        made = Operation(name, function, False)
        made.doc = inspect.getdoc(self.known[name].kind) or f"The program {name}."
        return made


def _program(given: Any, where: str) -> UserProgram:
    given = {"class": given} if isinstance(given, str) else given
    if not isinstance(given, dict) or not isinstance(given.get("class"), str):
        raise InvalidInput(f'{where} is "module:Class", or {{"class": …, "arguments": {{…}}}}')
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(f"{where} has no key {key!r:.60}{nearest(str(key)[:60], _KEYS)}")
    arguments = given.get("arguments", {})
    if not isinstance(arguments, dict):
        raise InvalidInput(f"{where}.arguments is a map of arguments by name")
    return UserProgram(_class(given["class"], where), arguments)


def _class(path: str, where: str) -> Any:
    module_name, colon, class_name = path.partition(":")
    if not (colon and module_name and class_name):
        raise InvalidInput(f"{where}: {path!r:.100} is not module:Class, such as my_rag:Rag")
    try:
        module = importlib.import_module(module_name)
    except BaseException as error:  # an import may raise anything, SystemExit too
        raise InvalidInput(
            f"{where}: {module_name} cannot be imported from the pool's path: "
            f"{type(error).__name__}: {error}"
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        known = [name for name, one in vars(module).items() if _is_program(one)]
        raise InvalidInput(
            f"{where}: {module_name} has no {class_name!r:.60}{nearest(class_name[:60], known)}"
        )
    if not _is_program(found):
        raise InvalidInput(f"{where}: {path:.100} is no subclass of dspy.Module")
    return found


def _is_program(found: Any) -> bool:
    return inspect.isclass(found) and issubclass(found, dspy.Module)


class Shared:
    """The instance of a program that calls without a session share.

    Only one call has it until one has shown that the program keeps nothing of it in its plain
    attributes; others have instances of their own meanwhile. A program that does keep something has
    one for each call from then on: what is to be kept belongs to a session.
    """

    def __init__(self, name: str, means: Means) -> None:
        self._spec, self._where, self._means = {"module": name}, f"programs.{name}", means
        self._made = self._make()
        self._begun = states.attributes(self._made.module)
        self._keeps, self._is_proven, self._is_tried = False, False, False

    @contextlib.asynccontextmanager
    async def leased(self) -> AsyncIterator[Constructed]:
        """The instance of a call."""
        if self._keeps or (self._is_tried and not self._is_proven):
            yield await asyncio.to_thread(self._make)
            return
        made, self._is_tried = self._made, True
        try:
            yield made
            self._is_proven = True
        finally:
            self._is_tried = False
            if states.changed(made.module, self._begun, "", []):
                self._keeps = True

    def _make(self) -> Constructed:
        return Constructed(self._spec, self._where, self._means)
