"""The little of FlatBuffers that the head of a tensor needs: reading with bounds, and writing."""

import struct
from collections.abc import Sequence
from typing import Any

_FORMATS = {1: "<B", 2: "<h", 4: "<i", 8: "<q"}


class Table:
    """A table of a buffer; raises `ValueError` where an offset leads outside."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data = data
        self._position = position
        self._index = position - _number(data, position, 4)

    def _place(self, number: int) -> int | None:
        entry = 4 + 2 * number
        if entry + 2 > _number(self._data, self._index, 2):
            return None
        offset = _number(self._data, self._index + entry, 2)
        return self._position + offset if offset else None

    def number(self, number: int, size: int, absent: int = 0) -> int:
        """A field that is a number of so many bytes."""
        place = self._place(number)
        return absent if place is None else _number(self._data, place, size)

    def pair(self, number: int) -> tuple[int, int]:
        """A field that is a struct of two numbers."""
        place = self._place(number)
        if place is None:
            raise ValueError("a field is missing")
        return _number(self._data, place, 8), _number(self._data, place + 8, 8)

    def table(self, number: int) -> "Table":
        """A field that is a table."""
        place = self._place(number)
        if place is None:
            raise ValueError("a field is missing")
        return root(self._data, place)

    def tables(self, number: int, most: int) -> list["Table"]:
        """A field that is a list of tables."""
        start, count = self._list(number, most)
        return [root(self._data, start + 4 * index) for index in range(count)]

    def longs(self, number: int, most: int) -> list[int]:
        """A field that is a list of numbers."""
        start, count = self._list(number, most)
        return [_number(self._data, start + 8 * index, 8) for index in range(count)]

    def _list(self, number: int, most: int) -> tuple[int, int]:
        place = self._place(number)
        if place is None:
            return 0, 0
        start = place + _number(self._data, place, 4)
        count = _number(self._data, start, 4)
        if not 0 <= count <= most:
            raise ValueError(f"a list of {count}, of which {most} are allowed")
        return start + 4, count


def root(data: memoryview, place: int = 0) -> Table:
    """The table that the offset at `place` leads to."""
    return Table(data, place + _number(data, place, 4))


def _number(data: memoryview, place: int, size: int) -> int:
    if not 0 <= place <= len(data) - size:
        raise ValueError("an offset leads outside")
    return int(struct.unpack_from(_FORMATS[size], data, place)[0])


#: A field to be written: its size and its number, a struct of two numbers, or an object.
Field = tuple[int, Any]
OBJECT = 0
_PAIR = 16


def written(fields: Sequence[Field]) -> bytes:
    """The buffer of a table: what points comes first, and what it points to behind it."""
    data = bytearray(4)
    _write_table(data, 0, fields)
    return bytes(data)


def _write_object(data: bytearray, slot: int, thing: Any) -> None:
    """A tuple is a table, a list one of tables or of numbers."""
    if isinstance(thing, tuple):
        _write_table(data, slot, thing)
        return
    # Elements lie at a multiple of 8.
    data += bytes(-(len(data) + 4) % 8)
    struct.pack_into("<I", data, slot, len(data) - slot)
    data += struct.pack("<I", len(thing))
    first = len(data)
    if thing and isinstance(thing[0], int):
        data += struct.pack(f"<{len(thing)}q", *thing)
        return
    data += bytes(4 * len(thing))
    for index, each in enumerate(thing):
        _write_object(data, first + 4 * index, each)


def _write_table(data: bytearray, slot: int, fields: Sequence[Field]) -> None:
    sizes = [kind or 4 for kind, _ in fields]
    order = sorted(range(len(fields)), key=lambda index: -sizes[index])
    offsets, size = [0] * len(fields), 4
    for index in order:
        offsets[index] = size
        size += sizes[index]
    index_size = 4 + 2 * len(fields)
    # The table begins 4 before a multiple of 8, with its index right before it.
    data += bytes((4 - len(data) - index_size) % 8)
    data += struct.pack(f"<{2 + len(fields)}H", index_size, size, *offsets)
    start = len(data)
    struct.pack_into("<I", data, slot, start - slot)
    data += struct.pack("<i", index_size)
    for index in order:
        kind, value = fields[index]
        if kind == OBJECT:
            data += bytes(4)
        elif kind == _PAIR:
            data += struct.pack("<qq", *value)
        else:
            data += struct.pack(_FORMATS[kind], value)
    for index in order:
        kind, value = fields[index]
        if kind == OBJECT:
            _write_object(data, start + offsets[index], value)
