"""Tables and tensors: what pyarrow and numpy read of ours, and ours of theirs."""

import sys

import numpy as np
import pyarrow as pa
import pytest

from krait_worker.envelope import Codec
from krait_worker.faults import InvalidInput
from krait_worker.values import MalformedBody, Unserialisable, decode, encode

CODECS = [Codec.JSON, Codec.MSGPACK]
NUMBERS = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]


def there_and_back(value, codec=Codec.MSGPACK):
    gathered = []
    body = encode(value, codec, "result", gathered)
    return decode(body, codec, [each.joined() for each in gathered])


@pytest.mark.parametrize("codec", CODECS)
def test_a_table_and_a_tensor_travel_beside_the_body(codec):
    table = pa.table({"id": [1, 2, None], "name": ["a", None, "é"]})
    back = there_and_back({"t": table, "x": [np.arange(3.0)], "n": 1}, codec)
    assert back["t"].equals(table)
    assert back["x"][0].tolist() == [0.0, 1.0, 2.0]
    assert back["n"] == 1


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("shape", [(1,), (7,), (3, 5), (2, 0, 4), (1, 1, 1), (0,)])
def test_pyarrow_reads_our_tensors_and_we_pyarrows(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    gathered = []
    encode(array, Codec.MSGPACK, "result", gathered)
    message = gathered[0].joined()
    if array.size:
        theirs = pa.ipc.read_tensor(pa.BufferReader(message)).to_numpy()
        assert theirs.dtype == array.dtype
        assert theirs.tolist() == array.tolist()
        sink = pa.BufferOutputStream()
        pa.ipc.write_tensor(pa.Tensor.from_numpy(array), sink)
        frames = [memoryview(sink.getvalue())]
        ours = decode(bytes.fromhex("d60102000000"), Codec.MSGPACK, frames)
        assert ours.tolist() == array.tolist()
    back = decode(bytes.fromhex("d60102000000"), Codec.MSGPACK, [message])
    assert (back.dtype, back.shape) == (array.dtype, shape)
    assert back.tolist() == array.tolist()


def test_a_tensor_is_a_read_only_view_of_what_came():
    gathered = []
    encode(np.arange(100_000.0), Codec.MSGPACK, "result", gathered)
    frame = bytearray(gathered[0].joined())
    view = decode(bytes.fromhex("d60102000000"), Codec.MSGPACK, [frame])
    assert not view.flags.writeable
    frame[len(frame) - 800_000 :] = bytes(800_000)
    assert view.sum() == 0


def test_a_table_is_a_view_of_what_came():
    gathered = []
    encode(pa.table({"x": np.arange(1000)}), Codec.MSGPACK, "result", gathered)
    frame = gathered[0].joined()
    table = decode(bytes.fromhex("d60101000000"), Codec.MSGPACK, [frame])
    start = pa.py_buffer(frame).address
    address = table["x"].chunk(0).buffers()[1].address
    assert start < address < start + len(frame)


@pytest.mark.parametrize("array", [
    np.arange(12).reshape(3, 4)[:, ::2],
    np.asfortranarray(np.arange(12).reshape(3, 4)),
    np.arange(5, dtype=">i4"),
])  # fmt: skip
def test_an_array_that_lies_otherwise_is_laid_row_by_row(array):
    assert there_and_back(array).tolist() == array.tolist()


def test_record_batches_and_frames_of_others_are_tables():
    batch = pa.record_batch({"a": [1, 2]})
    assert there_and_back(batch).to_pydict() == {"a": [1, 2]}

    class Frame:
        shape = (2, 1)

        def __arrow_c_stream__(self, requested_schema=None):
            return pa.table({"a": pa.array(["x", "y"], pa.string_view())}).__arrow_c_stream__()

    assert there_and_back(Frame()).to_pydict() == {"a": ["x", "y"]}


@pytest.mark.parametrize(("value", "word"), [
    (np.array([True]), "bool"), (np.array(["x"]), "U1"), (np.array([1j]), "complex"),
    (np.array([None]), "object"),
    (pa.table({"a": pa.array([1], pa.decimal128(5))}), "decimal"),
    (pa.table({"a": pa.array([[(1, 2)]], pa.map_(pa.int8(), pa.int8()))}), "map"),
    (pa.table({"a": pa.array([[["x"]]], pa.list_(pa.list_(pa.string_view())))}), "string_view"),
    (pa.table({"a": [1]}).replace_schema_metadata({"k": b"\xff"}), "metadata"),
])  # fmt: skip
def test_what_is_not_carried_is_refused_with_its_place(value, word):
    with pytest.raises(Unserialisable, match=word) as error:
        there_and_back({"here": value})
    assert error.value.path.startswith("result.here")


@pytest.mark.parametrize("form", ["01", "02"])
@pytest.mark.parametrize("frame", [b"", b"\xff" * 16, b"\xff\xff\xff\xff\x08\0\0\0" + bytes(8)])
def test_bytes_that_are_none_are_malformed(form, frame):
    with pytest.raises(MalformedBody, match=r"cannot be read|number"):
        decode(bytes.fromhex(f"d601{form}000000"), Codec.MSGPACK, [frame])


def test_a_tensor_s_head_may_lie_but_not_lead_outside():
    gathered = []
    encode(np.arange(6).reshape(2, 3), Codec.MSGPACK, "result", gathered)
    message = gathered[0].joined()
    for place in range(200):
        for byte in (0, 1, 0x7F, 0x80, 0xFF):
            changed = bytearray(message)
            changed[place] = byte
            try:
                found = decode(bytes.fromhex("d60102000000"), Codec.MSGPACK, [changed])
            except MalformedBody:
                continue
            assert found.nbytes <= 64


@pytest.mark.parametrize(("form", "module"), [("01", "pyarrow"), ("02", "numpy")])
def test_where_the_library_is_missing_the_fault_says_what_to_install(form, module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidInput, match=rf"{module}.*krait-worker\[tables\]"):
        decode(bytes.fromhex(f"d601{form}000000"), Codec.MSGPACK, [b""])
