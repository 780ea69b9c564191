"""Reads the tables that Swift wrote with pyarrow, and writes tables of its own for Swift to read.

    python exchange.py FOLDER SEED COUNT

`swift-N.arrow` comes with `swift-N.json`, the rows as the protocol's JSON. Each is written again by
pyarrow as `back-N.arrow`; `python-N.arrow` and `.json` are random tables of this side's.
"""

import random
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa

from krait_worker import Timestamp
from krait_worker.envelope import Codec
from krait_worker.values import decode, encode

PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def cell(scalar: Any) -> Any:
    """A cell as the protocol's value, as Swift gives it."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return cell(scalar.value)
    if pa.types.is_timestamp(kind):
        per = PER_SECOND[kind.unit]
        seconds, rest = divmod(scalar.value, per)
        return Timestamp(seconds, rest * (10**9 // per)).value
    if pa.types.is_struct(kind):
        return {field.name: cell(scalar[field.name]) for field in kind}
    if (
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
    ):
        return [cell(each) for each in scalar.values]
    if pa.types.is_temporal(kind):
        return scalar.value
    if pa.types.is_floating(kind):
        return float(scalar.as_py())
    return scalar.as_py()


def rows(table: pa.Table) -> list[list[Any]]:
    """All cells, row by row."""
    return [
        [cell(column[row]) for column in table.columns] for row in range(table.num_rows)
    ]


def packed(value: Any) -> bytes:
    return encode(value, Codec.MSGPACK)


def read_swift(folder: Path) -> None:
    """Checks each table of Swift's, and writes it again."""
    for path in sorted(folder.glob("swift-*.arrow")):
        with pa.ipc.open_stream(pa.py_buffer(path.read_bytes())) as reader:
            table = reader.read_all()
        table.validate(full=True)
        expected = decode(path.with_suffix(".json").read_bytes(), Codec.JSON)
        found = rows(table)
        if packed(found) != packed(expected):
            raise SystemExit(f"{path.name}: {table.schema}\n{found}\nis not\n{expected}")
        number = path.stem.split("-")[1]
        write(folder / f"back-{number}.arrow", table, 1 + int(number) % 5)


def write(path: Path, table: pa.Table, most: int | None = None) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=most)


class Maker:
    """Random tables."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    LEAVES = (
        pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(),
        pa.uint32(), pa.uint64(), pa.float16(), pa.float32(), pa.float64(), pa.string(),
        pa.large_string(), pa.binary(), pa.large_binary(), pa.binary(3), pa.null(), pa.date32(),
        pa.timestamp("s"), pa.timestamp("ms", "UTC"), pa.timestamp("us"),
        pa.timestamp("ns", "Europe/Paris"), pa.duration("us"), pa.time64("ns"), pa.time32("ms"),
    )  # fmt: skip

    def type(self, depth: int = 0) -> pa.DataType:
        pick = self.random.randrange(10 if depth < 3 else 5)
        if pick < 5:
            return self.random.choice(self.LEAVES)
        if pick == 5:
            return pa.list_(self.type(depth + 1))
        if pick == 6:
            return pa.large_list(self.type(depth + 1))
        if pick == 7:
            return pa.list_(self.type(depth + 1), self.random.randrange(4))
        if pick == 8:
            count = self.random.randrange(1, 4)
            return pa.struct([(f"part {n}", self.type(depth + 1)) for n in range(count)])
        index = self.random.choice((pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8()))
        values = self.random.choice((pa.string(), pa.int64(), pa.float64(), pa.binary()))
        return pa.dictionary(index, values)

    def cell(self, kind: pa.DataType) -> Any:
        pick = self.random
        if pa.types.is_null(kind) or pick.random() < 0.2:
            return None
        if pa.types.is_dictionary(kind):
            return pick.choice([self.plain(kind.value_type) for _ in range(5)])
        if pa.types.is_struct(kind):
            return {field.name: self.cell(field.type) for field in kind}
        if pa.types.is_fixed_size_list(kind):
            return [self.cell(kind.value_type) for _ in range(kind.list_size)]
        if pa.types.is_list(kind) or pa.types.is_large_list(kind):
            return [self.cell(kind.value_type) for _ in range(pick.randrange(5))]
        return self.plain(kind)

    def plain(self, kind: pa.DataType) -> Any:
        pick = self.random
        if pa.types.is_boolean(kind):
            return pick.random() < 0.5
        if pa.types.is_integer(kind):
            signed = pa.types.is_signed_integer(kind)
            low = -(1 << kind.bit_width - 1) if signed else 0
            high = (1 << kind.bit_width - (1 if signed else 0)) - 1
            return pick.choice([low, high, 0, 1, pick.randint(low, high)])
        if pa.types.is_floating(kind):
            odd = [0.0, -0.0, 1.5, float("inf"), float("nan")]
            return pick.choice([*odd, pick.randint(-99, 99) / 8])
        if pa.types.is_string(kind) or pa.types.is_large_string(kind):
            return "".join(pick.choice("aé😀\0 \U0010ffff") for _ in range(pick.randrange(9)))
        if pa.types.is_fixed_size_binary(kind):
            return pick.randbytes(kind.byte_width)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            return pick.randbytes(pick.randrange(9))
        return pick.randrange(1000)

    def column(self, kind: pa.DataType, count: int) -> pa.Array:
        """An array that is often a slice of a longer one."""
        before, after = self.random.choice(((0, 0), (3, 0), (0, 2), (5, 7)))
        cells = [self.cell(kind) for _ in range(before + count + after)]
        if pa.types.is_dictionary(kind):
            values = pa.array(cells, kind.value_type).dictionary_encode()
            whole = pa.DictionaryArray.from_arrays(
                values.indices.cast(kind.index_type), values.dictionary
            )
        else:
            whole = pa.array(cells, kind)
        return whole.slice(before, count)

    def table(self) -> pa.Table:
        names = [f"c{n}" for n in range(self.random.randrange(5))]
        kinds = [self.type() for _ in names]
        schema = pa.schema(list(zip(names, kinds, strict=True)), metadata={"made": "here"})
        batches = [
            pa.record_batch([self.column(kind, count) for kind in kinds], schema=schema)
            for count in (self.random.randrange(9) for _ in range(self.random.randrange(4)))
            if kinds
        ]
        return pa.Table.from_batches(batches, schema)


def main() -> None:
    folder, seed, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    read_swift(folder)
    maker = Maker(seed)
    for number in range(count):
        table = maker.table()
        write(folder / f"python-{number}.arrow", table)
        (folder / f"python-{number}.json").write_bytes(encode(rows(table), Codec.JSON))


main()
