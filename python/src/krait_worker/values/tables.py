"""Tables: pyarrow's, and what others give in its form, as Arrow IPC streams; streams as views.

pyarrow is imported when the first table comes or goes.
"""

from typing import Any

from krait_worker import limits
from krait_worker.faults import InvalidInput
from krait_worker.values.errors import MalformedBody, Unserialisable

MISSING = "pyarrow, which is not installed: pip install 'krait-worker[tables]'"

#: What Krait does not carry, and what to do about it.
_REFUSED = {
    "decimal": "cast it to float64 or to string",
    "interval": "cast it to a duration",
    "union": "give each type a column of its own",
    "map": "cast it to a list of structs",
    "run_end_encoded": "decode it first",
    "list_view": "cast it to a list",
    "large_list_view": "cast it to a list",
}


def is_table(value: Any) -> bool:
    """Whether a value is a table of pyarrow's, or can give itself as one."""
    root = type(value).__module__.partition(".")[0]
    if root == "pyarrow":
        return type(value).__name__ in ("Table", "RecordBatch")
    # pandas' and polars' frames; their series and other libraries' columns are none.
    return hasattr(type(value), "__arrow_c_stream__") and len(getattr(value, "shape", ())) == 2


def stream_of(value: Any, path: str) -> memoryview:
    """The stream of a table; raises `Unserialisable`."""
    try:
        import pyarrow
    except ImportError:
        raise Unserialisable(path, f"a table needs {MISSING}") from None
    if isinstance(value, pyarrow.RecordBatch):
        value = pyarrow.Table.from_batches([value])
    try:
        table = value if isinstance(value, pyarrow.Table) else pyarrow.table(value)
        table = _without_views(table, pyarrow)
    except (pyarrow.ArrowException, TypeError, ValueError) as error:
        raise Unserialisable(path, f"no table can be made of it: {error}"[:400]) from None
    fields = 0
    for field in table.schema:
        fields += _check(field, f"{path}.{field.name}", pyarrow, 1)
    if fields > limits.TABLE_FIELDS:
        raise Unserialisable(path, f"a table has at most {limits.TABLE_FIELDS} columns")
    _check_metadata(table.schema.metadata, path)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def _without_views(table: Any, pyarrow: Any) -> Any:
    """The table with views of texts and bytes, such as polars', as texts and bytes."""
    plain = {pyarrow.string_view(): pyarrow.large_string(),
             pyarrow.binary_view(): pyarrow.large_binary()}  # fmt: skip
    if not any(field.type in plain for field in table.schema):
        return table
    fields = [field.with_type(plain.get(field.type, field.type)) for field in table.schema]
    return table.cast(pyarrow.schema(fields, metadata=table.schema.metadata))


def _check(field: Any, path: str, pyarrow: Any, depth: int) -> int:
    """Raises `Unserialisable` for what Krait does not carry; else how many columns it is."""
    if depth > limits.TABLE_NESTING:
        raise Unserialisable(path, f"columns nested deeper than {limits.TABLE_NESTING}")
    _check_metadata(field.metadata, path)
    kind = field.type
    if isinstance(kind, pyarrow.BaseExtensionType):
        kind = kind.storage_type
    if pyarrow.types.is_dictionary(kind):
        kind = kind.value_type
    for name, remedy in _REFUSED.items():
        if getattr(pyarrow.types, f"is_{name}")(kind):
            raise Unserialisable(path, f"Krait carries no column of {kind}; {remedy}")
    if str(kind) in ("string_view", "binary_view"):
        raise Unserialisable(path, f"Krait carries no column of {kind}; cast it to string")
    inner = [kind.field(index) for index in range(kind.num_fields)]
    return 1 + sum(_check(each, f"{path}.{each.name}", pyarrow, depth + 1) for each in inner)


def _check_metadata(metadata: dict[bytes, bytes] | None, path: str) -> None:
    for key, text in (metadata or {}).items():
        try:
            key.decode()
            text.decode()
        except UnicodeDecodeError:
            raise Unserialisable(path, "metadata that is not UTF-8; remove it") from None


def read(frame: bytes | bytearray | memoryview, path: str) -> Any:
    """The `pyarrow.Table` of a stream: a view of its bytes."""
    try:
        import pyarrow
    except ImportError:
        raise InvalidInput(f"{path}: a table needs {MISSING}") from None
    try:
        with pyarrow.ipc.open_stream(pyarrow.py_buffer(frame)) as reader:
            table = reader.read_all()
        table.validate()
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise MalformedBody(path, f"a table that cannot be read: {error}"[:400]) from None
    return table
