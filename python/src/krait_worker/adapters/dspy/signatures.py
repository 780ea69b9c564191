"""Signatures as calls carry them, turned into DSPy's; inputs held against them."""

import enum
import typing
from typing import Any, NamedTuple

import dspy
import msgspec
import pydantic

from krait_worker.adapters.base import nearest
from krait_worker.adapters.dspy.declarations import clear_typing_caches, declared
from krait_worker.faults import InvalidInput

_KEYS = frozenset({"text", "instructions", "fields", "types"})
#: Keywords of a module's call: an input of that name would never reach the LM.
_TAKEN = frozenset({"signature", "demos", "config", "lm"})
_MOST_TEXT = 64 << 10

_canonical = msgspec.msgpack.Encoder().encode


class Specification(NamedTuple):
    """A signature as a call carries it, checked in form but not parsed."""

    text: str
    instructions: str | None
    descriptions: dict[str, str]
    types: dict[str, Any]

    @property
    def key(self) -> bytes:
        """Equal for equal signatures."""
        return _canonical([self.text, self.instructions, self.descriptions, self.types])


def specification(given: Any) -> Specification:
    """Reads the argument `signature`; raises `InvalidInput`."""
    if isinstance(given, str):
        given = {"text": given}
    if not isinstance(given, dict):
        raise InvalidInput("signature is a text or a map")
    for key in given:
        if key not in _KEYS:
            raise InvalidInput(f"signature has no key {key!r:.60}{nearest(key, _KEYS)}")
    text = given.get("text")
    if not isinstance(text, str):
        raise InvalidInput("signature.text is a text such as `question -> answer`")
    if len(text) > _MOST_TEXT:
        raise InvalidInput(f"signature.text has at most {_MOST_TEXT} characters")
    instructions = given.get("instructions")
    if not isinstance(instructions, str | None):
        raise InvalidInput("signature.instructions is a text")
    descriptions: dict[str, str] = {}
    for name, notes in _map(given, "fields").items():
        if not isinstance(notes, dict) or not set(notes) <= {"desc"}:
            raise InvalidInput(f'signature.fields.{name:.60} is a map {{"desc": text}}')
        if not isinstance(notes.get("desc"), str | None):
            raise InvalidInput(f"signature.fields.{name:.60}.desc is a text")
        if notes.get("desc"):
            descriptions[name] = notes["desc"]
    return Specification(text, instructions or None, descriptions, _map(given, "types"))


def _map(given: dict[str, Any], key: str) -> dict[str, Any]:
    found = given.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise InvalidInput(f"signature.{key} is a map")
    return found


class BoundSignature:
    """DSPy's signature, with what is needed to hold inputs against it."""

    def __init__(self, given: Specification) -> None:
        types = declared(given.types)
        # Custom types are always passed: without them DSPy looks for names in its callers' frames.
        clear_typing_caches()
        try:
            made = dspy.make_signature(
                given.text, given.instructions, custom_types=types or {"Any": Any}
            )
            for name, text in given.descriptions.items():
                if name not in made.fields:
                    known = list(made.fields)
                    raise InvalidInput(
                        f"signature.fields.{name:.60} is no field of the signature"
                        + nearest(name, known)
                    )
                made = made.with_updated_fields(name, desc=text)
        except InvalidInput:
            raise
        except Exception as error:  # DSPy's, CPython's or pydantic's own, each with its own class
            raise InvalidInput(f"the signature {given.text!r:.200}: {error}") from error
        taken = _TAKEN.intersection(made.input_fields)
        if taken:
            raise InvalidInput(f"DSPy cannot take an input field named {sorted(taken)[0]}")
        self._bind(made)

    @classmethod
    def of(cls, signature: Any) -> "BoundSignature":
        """That of a module which has been made already."""
        bound = cls.__new__(cls)
        bound._bind(signature)
        return bound

    def _bind(self, signature: Any) -> None:
        self.signature = signature
        self._adapters: dict[str, pydantic.TypeAdapter[Any] | None] = {}

    def inputs(self, given: Any) -> dict[str, Any]:
        """The inputs as the module takes them; raises `InvalidInput` naming the field."""
        if not isinstance(given, dict):
            raise InvalidInput("inputs is a map of the signature's input fields")
        fields = self.signature.input_fields
        for name in given:
            if name not in fields:
                near = nearest(name, list(fields))
                raise InvalidInput(f"inputs.{name:.60} is no input of the signature{near}")
        made: dict[str, Any] = {}
        for name, field in fields.items():
            if name in given:
                made[name] = self._fitted(name, field, given[name])
            elif field.is_required():
                raise InvalidInput(f"inputs.{name} is missing")
        return made

    def _fitted(self, name: str, field: Any, value: Any) -> Any:
        # An input without a type takes anything: DSPy formats lists and maps by itself.
        if field.json_schema_extra.get("IS_TYPE_UNDEFINED"):
            return value
        adapter = self._adapters.get(name)
        if adapter is None:
            adapter = self._adapters[name] = pydantic.TypeAdapter(field.annotation)
        try:
            fitted = adapter.validate_python(value)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            at = "".join(
                f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]
            )
            raise InvalidInput(f"inputs.{name}{at}: {first['msg']}") from error
        # Values of plain types go as they came, as they would from Python; a model must be made.
        return value if is_plain_type(field.annotation) else fitted


_PLAIN = frozenset({str, int, float, bool, bytes, type(None), Any, list, dict, tuple, set})


def is_plain_type(annotation: Any) -> bool:
    """Whether a type is made of builtins only, so that plain values are its values."""
    if typing.get_origin(annotation) is typing.Literal:
        return not any(isinstance(value, enum.Enum) for value in typing.get_args(annotation))
    arguments = typing.get_args(annotation)
    if arguments:
        return all(is_plain_type(argument) for argument in arguments if argument is not ...)
    try:
        return annotation in _PLAIN
    except TypeError:
        return False
