"""Faults: what the worker answers where there is no reply."""

import traceback
from typing import Any

from krait_worker import limits


class InvalidInput(Exception):
    """The arguments do not fit the operation; an adapter raises it with a reason and a remedy."""


class StateTooLarge(Exception):
    """A program of a session has kept more than it may: the session is to end or go back."""


class CallRefused(Exception):
    """The worker itself refuses a call; `code` is the fault's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ToolFailed(Exception):
    """A tool of the caller's has failed: `type` names how, in the caller's words.

    `unknown_tool` and `invalid_arguments` are Krait's own types; others are those of the errors
    that the tools' code threw.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.type = kind
        self.message = message


def qualified(kind: type) -> str:
    """The name of an exception's class as faults carry it, such as `builtins.ValueError`."""
    return clipped(f"{kind.__module__}.{kind.__qualname__}", limits.NAME_BYTES)


def clipped(text: str, most: int, *, keep_end: bool = False) -> str:
    """`text` in at most `most` bytes of UTF-8; what cannot be written as UTF-8 is replaced."""
    data = text.encode(errors="backslashreplace")
    if len(data) <= most:
        return data.decode()
    kept = data[-(most - 3) :] if keep_end else data[: most - 3]
    cut = kept.decode(errors="ignore")
    return f"…{cut}" if keep_end else f"{cut}…"


def frames(error: BaseException) -> str:
    """The traceback, its innermost frames kept where it is long."""
    try:
        text = "".join(traceback.format_exception(error, limit=-64))
    except Exception as broken:  # noqa: BLE001 - a foreign __str__ may raise anything
        text = f"the traceback could not be written: {qualified(type(broken))}"
    return clipped(text, limits.TRACEBACK_BYTES, keep_end=True)


def message_of(error: BaseException) -> str:
    """`str(error)`, bounded, also where `__str__` itself raises."""
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001 - a foreign __str__ may raise anything
        text = f"the message could not be written: {qualified(type(broken))}"
    return clipped(text, limits.MESSAGE_TEXT_BYTES)


def _named(error: BaseException) -> BaseException:
    """The error a fault is named by: for refused input what refused it, such as DSPy's parser."""
    if isinstance(error, InvalidInput) and error.__cause__ is not None:
        return _named(error.__cause__)
    return error


def fault(
    code: str,
    error: BaseException,
    *,
    with_frames: bool = False,
    details: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The body of a fault."""
    body: dict[str, Any] = {
        "code": code,
        "type": qualified(type(_named(error))),
        "message": message_of(error),
        "traceback": frames(error) if with_frames else "",
    }
    if details:
        body["details"] = details
    return body
