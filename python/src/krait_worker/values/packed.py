"""MessagePack in the exact way: what msgspec does not check, with the path to what is wrong."""

import struct
from typing import Any

import msgspec

from krait_worker import limits
from krait_worker.values.attachments import EXTENSION, Attachment, Frames, Gathered, gather
from krait_worker.values.errors import MalformedBody, Unserialisable, place
from krait_worker.values.timestamp import Timestamp

_TIMESTAMP = -1
# Byte: (how many bytes of length or value follow, struct format) of the fixed-size forms.
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q",
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4,
            0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}  # fmt: skip
_FIXED_EXT = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def leaf(value: Any, path: str, gathered: Gathered | None = None) -> Any:
    """Spells a plain scalar for msgspec's encoder; what is large goes to `gathered`."""
    if type(value) is Attachment:
        index = gather(value, gathered, path)
        if index is None:
            return value.joined()
        return msgspec.msgpack.Ext(EXTENSION, bytes([value.form, 0]) + index.to_bytes(2, "big"))
    if type(value) is Timestamp:
        try:
            return msgspec.msgpack.Ext(_TIMESTAMP, value.packed)
        except ValueError as error:
            raise Unserialisable(path, str(error)) from None
    return value


def with_entry(body: bytes, key: str, value: bytes) -> bytes:
    """The body of a map of fewer than 15 entries with one more, whose value is a body."""
    # The first byte of so small a map counts its entries.
    return b"".join([bytes([body[0] + 1]), body[1:], msgspec.msgpack.encode(key), value])


def read(body: bytes, frames: Frames) -> Any:
    """Decodes a body and what came beside it; raises `MalformedBody`."""
    reader = _Reader(body, frames)
    value = reader.value("", 0)
    if reader.at != len(body):
        raise MalformedBody("", f"{len(body) - reader.at} bytes behind the value")
    frames.finish()
    return value


class _Reader:
    def __init__(self, data: bytes, frames: Frames) -> None:
        self.data = data
        self.frames = frames
        self.at = 0

    def take(self, count: int, path: str) -> bytes:
        start, end = self.at, self.at + count
        if end > len(self.data):
            raise MalformedBody(path, "the body ends inside a value")
        self.at = end
        return self.data[start:end]

    def length(self, form: int, path: str) -> int:
        return int.from_bytes(self.take(_LENGTHS[form], path), "big")

    def value(self, path: str, depth: int) -> Any:
        form = self.take(1, path)[0]
        if form < 0x80:
            return form
        if form >= 0xE0:
            return form - 0x100
        if form in _CONSTANTS:
            return _CONSTANTS[form]
        if form in _NUMBERS:
            spelling = _NUMBERS[form]
            return struct.unpack(spelling, self.take(struct.calcsize(spelling), path))[0]
        if 0xA0 <= form < 0xC0:
            return self.text(form & 0x1F, path)
        if form in (0xD9, 0xDA, 0xDB):
            return self.text(self.length(form, path), path)
        if form in (0xC4, 0xC5, 0xC6):
            return self.take(self.length(form, path), path)
        if form in _FIXED_EXT:
            return self.extension(_FIXED_EXT[form], path)
        if form in (0xC7, 0xC8, 0xC9):
            return self.extension(self.length(form, path), path)
        return self.container(form, path, depth)

    def text(self, count: int, path: str) -> str:
        try:
            return self.take(count, path).decode()
        except UnicodeDecodeError:
            raise MalformedBody(path, "text that is not UTF-8") from None

    def extension(self, count: int, path: str) -> Any:
        code = int.from_bytes(self.take(1, path), "big", signed=True)
        data = self.take(count, path)
        if code == EXTENSION:
            return self.frames.packed(data, path)
        if code != _TIMESTAMP:
            raise MalformedBody(path, f"an extension of type {code}")
        try:
            return Timestamp.unpacked(data).value
        except ValueError as error:
            raise MalformedBody(path, str(error)) from None

    def container(self, form: int, path: str, depth: int) -> Any:
        if depth >= limits.NESTING:
            raise MalformedBody(path, f"nested deeper than {limits.NESTING}")
        if form == 0xC1:
            raise MalformedBody(path, "the byte 0xc1, which means nothing")
        count = form & 0x0F if form < 0xA0 else self.length(form, path)
        if count > len(self.data) - self.at:
            raise MalformedBody(path, "the body ends inside a value")
        if 0x90 <= form < 0xA0 or form in (0xDC, 0xDD):
            return [self.value(place(path, index), depth + 1) for index in range(count)]
        made: dict[str, Any] = {}
        for _ in range(count):
            key = self.value(path, limits.NESTING)
            if not isinstance(key, str):
                raise MalformedBody(path, f"a key that is not text but {type(key).__name__}")
            if key in made:
                raise MalformedBody(place(path, key), "the key is there twice")
            made[key] = self.value(place(path, key), depth + 1)
        return made
