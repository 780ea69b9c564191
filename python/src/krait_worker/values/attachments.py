"""What travels beside a body: large values, for which a leaf of the body stands.

A sender gathers `Attachment`s while it encodes; a receiver hands the frames that came to the
decoder, whose leaves take them in order, each once.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from krait_worker import limits
from krait_worker.values import tables, tensors
from krait_worker.values.errors import MalformedBody, Unserialisable

Buffer = bytes | bytearray | memoryview
_BUFFERS = (bytes, bytearray, memoryview)

#: The MessagePack extension that stands for an attachment: form, 0, index (16 bits, big-endian).
EXTENSION = 1
EXTENSION_SIZE = 4
#: The same in JSON: `{"$attachment": "bytes:0"}`.
TAG = "$attachment"


class Form(IntEnum):
    """What an attachment's bytes are."""

    BYTES = 0
    TABLE = 1
    TENSOR = 2


_NAMES = {form.name.lower(): form for form in Form}


class Attachment(NamedTuple):
    """Bytes of a form, in parts that belong one behind the other; nobody changes them."""

    form: Form
    parts: tuple[Buffer, ...]

    @property
    def size(self) -> int:
        """How many bytes they are."""
        return sum(_size(part) for part in self.parts)

    def joined(self) -> Buffer:
        """The parts as one: without a copy where it is one that cannot change."""
        if len(self.parts) == 1:
            [part] = self.parts
            if type(part) is bytes or (type(part) is memoryview and part.readonly):
                return part
            return bytes(part)
        return b"".join(self.parts)


Gathered = list[Attachment]


def _size(part: Buffer) -> int:
    return part.nbytes if isinstance(part, memoryview) else len(part)


def attachment_of(value: Any, path: str) -> Attachment | None:
    """What goes beside the body in the place of `value`; None for what goes into it.

    Raises `Unserialisable` for a table or an array that cannot be carried.
    """
    if isinstance(value, _BUFFERS) and _size(value) > limits.INLINE_BYTES:
        return Attachment(Form.BYTES, (value,))
    kind = type(value)
    if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and value.ndim > 0:
        return Attachment(Form.TENSOR, tensors.parts_of(value, path))
    if tables.is_table(value):
        return Attachment(Form.TABLE, (tables.stream_of(value, path),))
    return None


def gather(found: Attachment, gathered: Gathered | None, path: str) -> int | None:
    """Puts an attachment beside the body and gives its index; None where it can go into it."""
    if gathered is None:
        if found.form == Form.BYTES:
            return None
        raise Unserialisable(path, f"a {found.form.name.lower()}, which nothing here can carry")
    if len(gathered) == limits.ATTACHMENTS:
        raise Unserialisable(path, f"more than {limits.ATTACHMENTS} large values")
    gathered.append(found)
    return len(gathered) - 1


def copied(value: Any) -> Any:
    """`value` with each view in it turned into bytes of its own."""
    if type(value) is memoryview:
        return bytes(value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if type(value) is list else value


def holds_large(value: Any, levels: int = limits.NESTING) -> bool:
    """Whether there are large bytes among plain values, so many levels down."""
    level = [value]
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, _BUFFERS):
                if _size(item) > limits.INLINE_BYTES:
                    return True
            elif type(item) is dict:
                below += item.values()
            elif type(item) in (list, tuple) and not _SMALL.issuperset(map(type, item)):
                below += item
        if levels == 0:
            return False
        level, levels = below, levels - 1
    return False


_SMALL = frozenset({type(None), bool, int, float, str})


class Frames:
    """The attachments that came with a body, and how many of them its leaves have named."""

    def __init__(self, frames: Sequence[Buffer] = (), views: bool = False) -> None:
        self._frames = frames
        self._views = views
        self._taken = 0

    def packed(self, data: bytes, path: str) -> Any:
        """The value of a leaf in MessagePack."""
        if len(data) != EXTENSION_SIZE or data[1] != 0:
            raise MalformedBody(path, "an attachment's leaf of an unknown form")
        return self._take(data[0], int.from_bytes(data[2:], "big"), path)

    def tagged(self, text: str, path: str) -> Any:
        """The value of a leaf in JSON."""
        name, _, digits = text.partition(":")
        if not (digits.isascii() and digits.isdigit() and digits == str(int(digits[:6]))):
            raise MalformedBody(path, f"{TAG} without an index")
        return self._take(_NAMES.get(name, -1), int(digits), path)

    def _take(self, form: int, index: int, path: str) -> Any:
        if form not in _NAMES.values():
            raise MalformedBody(path, "an attachment of an unknown form")
        if index != self._taken:
            raise MalformedBody(path, f"attachment {index}, where {self._taken} comes next")
        if index >= len(self._frames):
            raise MalformedBody(path, f"attachment {index}, of which {len(self._frames)} came")
        self._taken += 1
        return read_attachment(Form(form), self._frames[index], self._views, path)

    def finish(self) -> None:
        """Raises `MalformedBody` where the body has not named all of them."""
        if self._taken != len(self._frames):
            raise MalformedBody(
                "", f"{len(self._frames)} attachments came, of which it names {self._taken}"
            )


def read_attachment(form: Form, frame: Buffer, views: bool, path: str) -> Any:
    """The value of an attachment; with `views`, of bytes the memory itself, read-only.

    Tables and tensors always are views.
    """
    if form == Form.BYTES:
        return memoryview(frame).toreadonly() if views else bytes(frame)
    return tables.read(frame, path) if form == Form.TABLE else tensors.read(frame, path)
