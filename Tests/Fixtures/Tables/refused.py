"""Writes streams with what Krait does not carry: `NAME.arrow` in a folder, named by what it is."""

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

folder = Path(sys.argv[1])


def write(name: str, *tables: pa.Table, **options: Any) -> None:
    settings = pa.ipc.IpcWriteOptions(**options)
    with (
        pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink,
        pa.ipc.new_stream(sink, tables[0].schema, options=settings) as writer,
    ):
        for table in tables:
            writer.write_table(table)


numbers = pa.table({"a": list(range(1000))})
write("compressed by zstd", numbers, compression="zstd")
write("compressed by lz4", numbers, compression="lz4")
columns = {
    "decimals": pa.array([1], pa.decimal128(9, 2)),
    "maps": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int8())),
    "views": pa.array(["a text that is longer than twelve bytes"], pa.string_view()),
    "binary views": pa.array([b"x"], pa.binary_view()),
    "list views": pa.array([[1]], pa.list_view(pa.int8())),
    "run ends": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array(["x"])),
    "intervals": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "dense unions": pa.UnionArray.from_dense(
        pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([1])]
    ),
    "sparse unions": pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
}
for name, column in columns.items():
    write(name, pa.table({"within": pa.StructArray.from_arrays([column], ["here"])}))
growing = [pa.array(cells).dictionary_encode() for cells in (["a"], ["a", "b"])]
write(
    "growing dictionaries",
    *(pa.table({"a": column}) for column in growing),
    emit_dictionary_deltas=True,
)
