"""The state of an object of DSPy as plain data: what its parameters hold, and what it has learnt.

A parameter's state is DSPy's own, as its files have it. Beside that, a module may keep plain values
in attributes of its own; those that have changed since it was made go along.
"""

from typing import Any

import dspy
import msgspec
from dspy.predict.parameter import Parameter

from krait_worker import limits
from krait_worker.adapters.base import nearest
from krait_worker.faults import InvalidInput

_encode = msgspec.msgpack.Encoder(enc_hook=lambda _: None).encode
#: What every module has, and what the worker keeps empty.
_OWN = frozenset({"history", "callbacks"})

#: Attributes by the path of the module that has them, such as `self.answer`.
Attributes = dict[str, dict[str, Any]]


def load(module: Any, name: str, state: Any) -> None:
    """Gives an object a state, such as what DSPy's optimizers save; raises `InvalidInput`."""
    if not isinstance(state, dict):
        raise InvalidInput("state is a map, as DSPy's dump_state makes it")
    state = {key: value for key, value in state.items() if key != "metadata"}
    known = _parameters(module)
    given = {"self": state} if _is_flat(module) and (state or known) else state
    whole: dict[str, Any] = {}
    for part in _map(given, f"the state of {name}", known):
        own = known[part].dump_state()
        # DSPy sets whatever attribute a state names.
        here = f"the state of {name}.{part}"
        whole[part] = {**own, **_map(given[part], here, [*own, "fields"])}
    for part, parameter in known.items():
        found = whole.setdefault(part, parameter.dump_state())
        if "lm" in found:
            # A saved LM says where requests go: that is the pool's and the call's to say.
            whole[part] = {**found, "lm": None}
    if not known:
        return
    try:
        module.load_state(whole["self"] if _is_flat(module) else whole)
    except Exception as error:  # whatever DSPy finds wrong with it, in classes of any kind
        raise InvalidInput(
            f"the state of {name} does not fit DSPy {dspy.__version__}: "
            f"{type(error).__name__}: {error}"
        ) from error


def state(module: Any, where: str, missing: list[str]) -> dict[str, Any]:
    """DSPy's state of an object; the names of what is no plain value go to `missing`."""
    states: dict[str, Any] = {}
    for name, parameter in _parameters(module).items():
        try:
            found = parameter.dump_state()
        except Exception:  # noqa: BLE001 - an object of the user's own may refuse in any way
            missing.append(f"{where}.{name}")
            continue
        if found.pop("lm", None) is not None:
            missing.append(f"{where}.{name}.lm")
        for key in [key for key, value in found.items() if not is_plain(value)]:
            missing.append(f"{where}.{name}.{key}")
            del found[key]
        states[name] = found
    # A parameter's own state is flat, in DSPy's files as well.
    return states.get("self", {}) if _is_flat(module) else states


def attributes(module: Any) -> Attributes:
    """The attributes of a module and its parts that are neither parts nor parameters.

    A plain value is a copy; any other is the object itself.
    """
    if not isinstance(module, dspy.Module):
        return {}
    found: Attributes = {}
    for path, part in module.named_sub_modules(dspy.Module):
        if not isinstance(part, Parameter):
            found[path] = {
                key: _copy(value)
                for key, value in vars(part).items()
                if key not in _OWN and not isinstance(value, (dspy.Module, Parameter))
            }
    return found


def changed(module: Any, begun: Attributes, where: str, missing: list[str]) -> Attributes:
    """The plain attributes that are not as they were; others that are not go to `missing`."""
    found: Attributes = {}
    for path, now in attributes(module).items():
        before = begun.get(path, {})
        for key, value in now.items():
            if is_plain(value):
                if key not in before or not _is_same(before[key], value):
                    found.setdefault(path, {})[key] = value
            elif key not in before or before[key] is not value:
                missing.append(f"{where}.{path}.{key}")
    return found


def set_attributes(module: Any, given: Any, where: str) -> None:
    """Gives a module the attributes of a checkpoint; raises `InvalidInput`.

    Only plain ones, of modules that it has, and none that Python itself reads.
    """
    is_module = isinstance(module, dspy.Module)
    parts = dict(module.named_sub_modules(dspy.Module)) if is_module else {}
    for path, values in _map(given, where, parts).items():
        for key, value in _map(values, f"{where}.{path}", None).items():
            now = vars(parts[path]).get(key)
            # What its class has, such as `forward`, is none of a state's.
            is_own = not hasattr(type(parts[path]), key)
            if not is_own or not is_plain(value) or not is_plain(now):
                raise InvalidInput(f"{where}.{path}.{key:.60} is no attribute that can be set")
            setattr(parts[path], key, value)


def is_plain(value: Any) -> bool:
    """Whether a value is made of nothing but JSON's types, integers of 64 bits, and bytes."""
    match value:
        case None | bool() | float() | str() | bytes():
            return type(value) in (type(None), bool, float, str, bytes)
        case int():
            return type(value) is int and -(1 << 63) <= value < 1 << 64
        case list():
            return type(value) is list and all(is_plain(item) for item in value)
        case dict():
            return type(value) is dict and all(
                type(key) is str and is_plain(item) for key, item in value.items()
            )
    return False


def size(value: Any) -> int:
    """How many bytes a value has as MessagePack; of what is not plain, nothing is counted."""
    try:
        return len(_encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError):
        # Wider than 64 bits, or nested without end: as much as a turn may have on average.
        return limits.SESSION_HISTORY_BYTES // limits.SESSION_TURNS


def _parameters(module: Any) -> dict[str, Any]:
    if isinstance(module, dspy.Module):
        return dict(module.named_parameters())
    return {"self": module} if isinstance(module, Parameter) else {}


def _is_flat(module: Any) -> bool:
    return isinstance(module, Parameter)


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _copy(value: Any) -> Any:
    if not is_plain(value):
        return value
    if isinstance(value, list):
        return [_copy(item) for item in value]
    return {key: _copy(item) for key, item in value.items()} if isinstance(value, dict) else value


def _map(given: Any, where: str, keys: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidInput(f"{where} is a map")
    for key in given:
        if not isinstance(key, str) or (keys is not None and key not in keys):
            raise InvalidInput(
                f"{where} has no key {key!r:.60}{nearest(str(key), [*(keys or ())])}"
            )
    return given
