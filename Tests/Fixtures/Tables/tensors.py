"""Reads tensors that Swift wrote with pyarrow and numpy, and writes them again with pyarrow.

    python tensors.py FOLDER

Each `swift-TYPE-SHAPE.tensor` holds 0, 1, 2, …; `back-…` is what pyarrow makes of it.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from krait_worker.envelope import Codec
from krait_worker.values import decode

folder = Path(sys.argv[1])
for path in sorted(folder.glob("swift-*.tensor")):
    _, kind, extents = path.stem.split("-")
    shape = tuple(int(extent) for extent in extents.split("x"))
    message = path.read_bytes()
    expected = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    ours = decode(bytes.fromhex("d60102000000"), Codec.MSGPACK, [message])
    assert ours.dtype == expected.dtype, (path.name, ours.dtype)
    assert np.array_equal(ours, expected), (path.name, ours)
    if not expected.size:
        continue
    theirs = pa.ipc.read_tensor(pa.BufferReader(message))
    assert np.array_equal(theirs.to_numpy(), expected), (path.name, theirs)
    with pa.OSFile(str(folder / path.name.replace("swift", "back")), "wb") as sink:
        pa.ipc.write_tensor(theirs, sink)
