"""Types that a signature's text may name: pydantic models and enums declared in the call."""

import ast
import enum
import typing
from typing import Any

import dspy
import pydantic

from krait_worker.faults import InvalidInput

_MOST_TYPES = 64
_MOST_MEMBERS = 256


def declared(declarations: dict[str, Any]) -> dict[str, type]:
    """Makes the declared types; they may name each other in any order. Raises `InvalidInput`."""
    if len(declarations) > _MOST_TYPES:
        raise InvalidInput(f"signature.types has at most {_MOST_TYPES} declarations")
    made: dict[str, type] = {}
    making: set[str] = set()

    def make(name: str) -> type:
        if name in made:
            return made[name]
        if name in making:
            raise InvalidInput(f"signature.types.{name} names itself")
        making.add(name)
        made[name] = _declare(name, declarations[name], resolve)
        return made[name]

    def resolve(text: str, where: str) -> Any:
        for part in _names(text, where):
            if part in declarations:
                make(part)
        return _resolved(text, made, where)

    for name in declarations:
        if not name.isidentifier():
            raise InvalidInput(f"signature.types: {name!r:.60} is no name of a type")
        make(name)
    return made


def _declare(name: str, declaration: Any, resolve: Any) -> type:
    where = f"signature.types.{name}"
    if not isinstance(declaration, dict):
        raise InvalidInput(f'{where} is a map with a "kind"')
    kind = declaration.get("kind")
    members = declaration.get("fields" if kind == "model" else "cases")
    if kind not in ("model", "enum"):
        raise InvalidInput(f"{where}.kind is model or enum, not {kind!r:.40}")
    if not isinstance(members, list) or not 1 <= len(members) <= _MOST_MEMBERS:
        word = "fields" if kind == "model" else "cases"
        raise InvalidInput(f"{where}.{word} is a list of 1 to {_MOST_MEMBERS}")
    try:
        return _model(name, members, where, resolve) if kind == "model" else _enum(name, members)
    except (pydantic.PydanticUserError, ValueError, TypeError) as error:
        raise InvalidInput(f"{where}: {error}") from error


def _model(name: str, members: list[Any], where: str, resolve: Any) -> type:
    fields: dict[str, Any] = {}
    for index, member in enumerate(members):
        field, text, description = _member(member, f"{where}.fields[{index}]")
        kind = resolve(text, f"{where}.fields[{index}]")
        optional = type(None) in typing.get_args(kind)
        default = None if optional else ...
        fields[field] = (kind, pydantic.Field(default, description=description))
    made: type = pydantic.create_model(name, **fields)
    return made


def _member(member: Any, where: str) -> tuple[str, str, str | None]:
    match member:
        case [str(field), str(text)] | [str(field), str(text), None]:
            return field, text, None
        case [str(field), str(text), str(description)]:
            return field, text, description
    raise InvalidInput(f"{where} is [name, type text, description or null]")


def _enum(name: str, members: list[Any]) -> type:
    cases: list[tuple[str, str | int | float | bool]] = []
    for member in members:
        match member:
            case [str(case), str() | int() | float() | bool() as value]:
                cases.append((case, value))
            case _:
                raise ValueError("a case is [name, value]")
    make: Any = enum.Enum
    made: type = make(name, cases)
    return made


def _names(text: str, where: str) -> list[str]:
    try:
        tree = ast.parse(text, mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{where}: {text!r:.80} is no type: {error}") from error
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]


def _resolved(text: str, known: dict[str, type], where: str) -> Any:
    """The type of a text, found as DSPy finds those of a signature."""
    clear_typing_caches()
    try:
        made = dspy.make_signature(f"x -> y: {text}", "", custom_types={"Any": Any, **known})
    except Exception as error:  # a text may be wrong in any of DSPy's, CPython's, pydantic's ways
        raise InvalidInput(f"{where}: {text!r:.80} is no type: {error}") from error
    return made.output_fields["y"].annotation


def clear_typing_caches() -> None:
    """Makes types depend on their text alone.

    `typing` answers a union with the first one built of the same members, in that one's order.
    """
    for clear in typing._cleanups:  # type: ignore[attr-defined]
        clear()
