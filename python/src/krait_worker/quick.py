"""The quick way of a call: bodies of flat arguments read, and plain results written.

What is not quick goes the exact way, in `worker.py` and `values`.
"""

from typing import Any

import msgspec
import ormsgpack

from krait_worker import limits
from krait_worker.values import PLAIN_ONLY, is_flat

_NESTING = limits.NESTING
_Scalar = bool | int | float | str | None
# The body of a call whose arguments are scalars and lists of scalars. A type makes the decoder
# check what else would be checked in Python: keys that are text, no map but the one, no bytes.
_FlatCall = tuple[str, dict[str, bool | int | float | str | list[_Scalar] | None]]
unpack_flat = msgspec.msgpack.Decoder(_FlatCall).decode
parse_flat = msgspec.json.Decoder(_FlatCall).decode
write = msgspec.json.Encoder().encode
_strict = ormsgpack.packb
QUICK_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, KeyError)


def answer_body(result: Any) -> bytes:
    """The body of a reply in MessagePack, for what is nearly always plain and short; else `Odd`."""
    try:
        body = _strict(result, None, PLAIN_ONLY)
    except TypeError:  # what is not plain, or cannot be carried
        raise Odd(result) from None
    if len(body) > _NESTING and (len(body) > limits.INLINE_BYTES or not is_flat(body)):
        raise Odd(result)
    return body


class Odd(Exception):
    """A result for the exact way."""

    def __init__(self, result: Any) -> None:
        self.result = result
