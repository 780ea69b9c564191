"""An adapter whose stream of large values does not end."""

from collections.abc import Iterator

from krait_worker.adapters.base import Adapter, operation


class Pours(Adapter):
    """Sends for as long as it is let."""

    @operation
    def pour(self, kibibytes: int) -> Iterator[bytes]:
        """Streams bytes, so many each time."""
        while True:
            yield bytes(kibibytes << 10)
