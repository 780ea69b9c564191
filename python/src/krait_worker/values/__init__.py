"""The values of *Worker protocol*: Python objects to bodies and back, in JSON and MessagePack.

`encode` and `decode` have two ways each. The quick one lets msgspec and ormsgpack do the work, and
knows by cheap signs where they could have gone wrong. ormsgpack refuses to write anything but plain
values, which msgspec does not; and a body that was read and writes back to the same bytes held no
duplicate key and no odd spelling. Everything else takes the exact way, in Python, which also knows
the path to what is wrong.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
import ormsgpack

from krait_worker import limits
from krait_worker.envelope import Codec
from krait_worker.values import json_text, packed
from krait_worker.values.attachments import EXTENSION, Buffer, Frames, Gathered, holds_large
from krait_worker.values.errors import MalformedBody, Unserialisable, place
from krait_worker.values.packed import with_entry
from krait_worker.values.plain import JSON_SCALARS, PACKED_SCALARS, READ_SCALARS, is_plain, plain
from krait_worker.values.timestamp import Timestamp

__all__ = [
    "Gathered",
    "MalformedBody",
    "Timestamp",
    "Unserialisable",
    "decode",
    "encode",
    "place",
    "with_entry",
]

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode
_write = msgspec.json.Encoder().encode
_parse = msgspec.json.Decoder().decode
_strict = ormsgpack.packb
PLAIN_ONLY = (
    ormsgpack.OPT_PASSTHROUGH_DATACLASS
    | ormsgpack.OPT_PASSTHROUGH_DATETIME
    | ormsgpack.OPT_PASSTHROUGH_ENUM
    | ormsgpack.OPT_PASSTHROUGH_SUBCLASS
    | ormsgpack.OPT_PASSTHROUGH_UUID
)

_DECODE_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)
_LEAVES_BESIDE = READ_SCALARS | {msgspec.msgpack.Ext}
#: All but the first bytes of lists and maps.
_LEAVES = bytes(byte for byte in range(256) if not (0x80 <= byte < 0xA0 or 0xDC <= byte < 0xE0))


def encode(value: Any, codec: int, root: str = "result", gathered: Gathered | None = None) -> bytes:
    """The body of a value; raises `Unserialisable` with the path, which begins with `root`.

    With `gathered`, what is large is put there, to go beside the body.
    """
    body = b""
    # Looked at before: else large bytes would be copied here, to be found too large.
    if gathered is None or not holds_large(value, 1):
        try:
            body = _strict(value, None, PLAIN_ONLY)
        except TypeError:  # something that is not plain, or that cannot be carried
            body = b""
        if gathered is not None and len(body) > limits.INLINE_BYTES and holds_large(value):
            body = b""
    if not body:
        return _encode_exactly(value, codec, root, gathered)
    if codec == Codec.MSGPACK:
        if is_flat(body) or is_plain(value, PACKED_SCALARS):
            return body
    elif (_is_json(body) and is_flat(body)) or is_plain(value, JSON_SCALARS):
        return _write(value)
    return _encode_exactly(value, codec, root, gathered)


def _encode_exactly(value: Any, codec: int, root: str, gathered: Gathered | None) -> bytes:
    if codec == Codec.MSGPACK:
        return _pack(plain(value, root, partial(packed.leaf, gathered=gathered)))
    leaf = partial(json_text.leaf, gathered=gathered)
    return _write(plain(value, root, leaf, json_text.escaped))


def decode(body: bytes, codec: int, frames: Sequence[Buffer] = (), views: bool = False) -> Any:
    """The value of a body and of what came beside it; raises `MalformedBody` with the path.

    With `views`, large bytes are read-only memoryviews of `frames`, not copies.
    """
    if frames:
        return _decode_beside(body, codec, frames, views)
    if codec == Codec.JSON:
        return _decode_json(body)
    try:
        value = _unpack(body)
        try:
            if _strict(value, None, PLAIN_ONLY) == body and is_flat(body):
                return value
        except TypeError:
            pass  # a point in time, or what is refused below
        if is_plain(value, READ_SCALARS) and _pack(value) == body:
            return value
    except _DECODE_ERRORS:
        pass
    return packed.read(body, Frames())


def _decode_beside(body: bytes, codec: int, frames: Sequence[Buffer], views: bool) -> Any:
    if codec == Codec.JSON:
        return json_text.read(body, Frames(frames, views))
    try:
        value = _unpack(body)
        if is_plain(value, _LEAVES_BESIDE) and _pack(value) == body:
            named = Frames(frames, views)
            value = _placed(value, named)
            named.finish()
            return value
    except (*_DECODE_ERRORS, MalformedBody):
        pass  # the exact way says what and where
    return packed.read(body, Frames(frames, views))


def _placed(value: Any, frames: Frames) -> Any:
    """`value` with what came beside it in the place of the leaves that stand for it."""
    kind = type(value)
    if kind is dict:
        return {key: _placed(item, frames) for key, item in value.items()}
    if kind is list:
        return [_placed(item, frames) for item in value]
    if kind is not msgspec.msgpack.Ext:
        return value
    if value.code != EXTENSION:
        raise MalformedBody("", f"an extension of type {value.code}")
    return frames.packed(value.data, "")


def _decode_json(body: bytes) -> Any:
    if body.find(b'"$') < 0:
        try:
            value = _parse(body)
            if is_plain(value, JSON_SCALARS) and _write(value) == body:
                return value
        except _DECODE_ERRORS:
            pass
    return json_text.read(body, Frames())


def _is_json(body: bytes) -> bool:
    """Whether a MessagePack body surely has no `$`, no bytes and no float beyond all numbers.

    By `in` with an integer and by `find`: `in` with bytes raises and catches an exception first.
    """
    return not (
        0x24 in body
        or 0xC4 in body
        or 0xC5 in body
        or 0xC6 in body
        or body.find(b"\xcb\x7f") >= 0
        or body.find(b"\xcb\xff") >= 0
    )


def is_flat(body: bytes) -> bool:
    """Whether a MessagePack body has too few lists and maps to be nested too deep."""
    if len(body) <= limits.NESTING:
        return True
    return len(body.translate(None, _LEAVES)) <= limits.NESTING
