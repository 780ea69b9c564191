"""Tensors: numpy's arrays as Arrow's tensor messages, and such messages as views of numpy's.

numpy alone is enough for them. It is imported when the first one comes.
"""

import math
import struct
from functools import lru_cache
from typing import Any

from krait_worker import limits
from krait_worker.faults import InvalidInput
from krait_worker.values import flat
from krait_worker.values.errors import MalformedBody, Unserialisable

_CONTINUATION = b"\xff\xff\xff\xff"
_ALIGNMENT = 64
_VERSION, _TENSOR, _INTEGER, _FLOAT = 4, 4, 2, 3
_PRECISIONS = {2: 0, 4: 1, 8: 2}
_WIDTHS = {precision: size for size, precision in _PRECISIONS.items()}
#: How many heads are kept: who sends one tensor mostly sends more of its shape. Their most bytes.
_KEPT, _KEPT_BYTES = 64, 4_096
_DTYPES = {
    "f2": "float16", "f4": "float32", "f8": "float64",
    "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
    "u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
}  # fmt: skip


def parts_of(array: Any, path: str) -> tuple[bytes | memoryview, ...]:
    """The message of an array: its head, the numbers without a copy, and what fills it up.

    Numbers that do not lie row by row are copied. Raises `Unserialisable`.
    """
    import numpy

    if array.dtype.str[1:] not in _DTYPES:
        raise Unserialisable(
            path, f"an array of {array.dtype}; a tensor has integers or floats: see astype()"
        )
    if array.ndim > limits.TENSOR_DIMENSIONS:
        raise Unserialisable(path, f"a tensor has at most {limits.TENSOR_DIMENSIONS} dimensions")
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("<"))
    array = numpy.ascontiguousarray(array)
    numbers = array.reshape(-1).view(numpy.uint8).data if array.size else b""
    head = _head(array.dtype.kind, array.itemsize, array.shape, array.nbytes)
    return head, numbers, bytes(-array.nbytes % _ALIGNMENT)


@lru_cache(_KEPT)
def _head(kind: str, size: int, shape: tuple[int, ...], length: int) -> bytes:
    element = ((2, _PRECISIONS[size]),) if kind == "f" else ((4, 8 * size), (1, int(kind == "i")))
    tensor = (
        (1, _FLOAT if kind == "f" else _INTEGER),
        (flat.OBJECT, element),
        (flat.OBJECT, [((8, extent),) for extent in shape]),
        (flat.OBJECT, _strides(shape, size)),
        (16, (0, length)),
    )
    body = length + -length % _ALIGNMENT
    metadata = flat.written(((2, _VERSION), (1, _TENSOR), (flat.OBJECT, tensor), (8, body)))
    filled = len(metadata) + -(len(metadata) + 8) % _ALIGNMENT
    return _CONTINUATION + struct.pack("<i", filled) + metadata.ljust(filled, b"\0")


def _strides(shape: tuple[int, ...], size: int) -> list[int]:
    strides: list[int] = []
    for extent in reversed(shape):
        strides.insert(0, size)
        size *= max(extent, 1)
    return strides


def read(frame: bytes | bytearray | memoryview, path: str) -> Any:
    """The array of a message: a view of its bytes, read-only."""
    try:
        import numpy
    except ImportError:
        raise InvalidInput(
            f"{path}: a tensor needs numpy, which is not installed: "
            "pip install 'krait-worker[tables]'"
        ) from None
    data = memoryview(frame).toreadonly().cast("B")
    try:
        dtype, shape, start = _read_head(data)
    except (ValueError, struct.error) as error:
        raise MalformedBody(path, f"a tensor that cannot be read: {error}") from None
    count = math.prod(shape)
    return (
        numpy.frombuffer(data, dtype, count, start).reshape(shape)
        if count
        else (numpy.empty(shape, dtype))
    )


def _read_head(data: memoryview) -> tuple[str, tuple[int, ...], int]:
    if len(data) < 8 or data[:4] != _CONTINUATION:
        raise ValueError("a message that does not begin with FFFFFFFF")
    [size] = struct.unpack_from("<i", data, 4)
    if not 0 < size <= len(data) - 8:
        raise ValueError(f"metadata of {size} bytes")
    metadata = data[8 : 8 + size]
    layout = _kept_layout(bytes(metadata)) if size <= _KEPT_BYTES else _layout(metadata)
    dtype, shape, offset, length = layout
    start = 8 + size + offset
    if offset < 0 or start + length > len(data):
        raise ValueError("numbers that do not fill the shape")
    return dtype, shape, start


def _layout(metadata: bytes | memoryview) -> tuple[str, tuple[int, ...], int, int]:
    """What the numbers are, their shape, where behind the head they begin and their bytes."""
    message = flat.root(memoryview(metadata))
    if message.number(1, 1) != _TENSOR:
        raise ValueError("a message that is no tensor")
    tensor = message.table(2)
    element = tensor.table(1)
    if tensor.number(0, 1) == _FLOAT:
        dtype = f"f{_WIDTHS.get(element.number(0, 2))}"
    elif tensor.number(0, 1) == _INTEGER:
        dtype = f"{'i' if element.number(1, 1) else 'u'}{element.number(0, 4) // 8}"
    else:
        dtype = ""
    if dtype not in _DTYPES:
        raise ValueError("numbers of no type that is known")
    most = limits.TENSOR_DIMENSIONS
    shape = tuple(dimension.number(0, 8) for dimension in tensor.tables(2, most))
    width = int(dtype[1:])
    strides = tensor.longs(3, most)
    expected = _strides(shape, width)
    # Along a dimension of one, and without numbers, a stride has no meaning.
    odd = len(strides) == len(shape) and any(
        found != wanted and extent > 1
        for found, wanted, extent in zip(strides, expected, shape, strict=True)
    )
    if min(shape, default=0) < 0 or (strides and len(strides) != len(shape)):
        raise ValueError("a shape that is none")
    if odd and 0 not in shape:
        raise ValueError("numbers that do not lie row by row")
    offset, length = tensor.pair(4)
    if length != math.prod(shape) * width:
        raise ValueError("numbers that do not fill the shape")
    return f"<{dtype}", shape, offset, length


_kept_layout = lru_cache(_KEPT)(_layout)
