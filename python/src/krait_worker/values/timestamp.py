"""Points in time: `datetime` where it is exact, `Timestamp` where it is not."""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST, _LATEST = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")


class Timestamp(NamedTuple):
    """A point in time with nanoseconds, of which `datetime` holds no more than microseconds.

    `seconds` count from 1970 UTC, in the years 1 to 9999; `nanoseconds` onwards from there, 0 to
    999,999,999, before 1970 as well.
    """

    seconds: int
    nanoseconds: int

    @classmethod
    def of(cls, moment: datetime) -> "Timestamp":
        """The same point in time; `moment` has a time zone."""
        since = moment - _EPOCH
        return cls(since.days * 86_400 + since.seconds, since.microseconds * 1_000)

    @property
    def value(self) -> "datetime | Timestamp":
        """The `datetime`, where one holds this point exactly; else the timestamp itself."""
        if self.nanoseconds % 1_000:
            return self
        return _EPOCH + timedelta(seconds=self.seconds, microseconds=self.nanoseconds // 1_000)

    @property
    def packed(self) -> bytes:
        """MessagePack's timestamp extension in the shortest of its forms; raises `ValueError`."""
        self._check()
        if self.nanoseconds == 0 and 0 <= self.seconds < 1 << 32:
            return self.seconds.to_bytes(4, "big")
        if 0 <= self.seconds < 1 << 34:
            return (self.nanoseconds << 34 | self.seconds).to_bytes(8, "big")
        return self.nanoseconds.to_bytes(4, "big") + self.seconds.to_bytes(8, "big", signed=True)

    @classmethod
    def unpacked(cls, data: bytes) -> "Timestamp":
        """Reads the extension; raises `ValueError`."""
        if len(data) == 4:
            return cls(int.from_bytes(data, "big"), 0)
        if len(data) == 8:
            both = int.from_bytes(data, "big")
            found = cls(both & (1 << 34) - 1, both >> 34)
        elif len(data) == 12:
            found = cls(
                int.from_bytes(data[4:], "big", signed=True), int.from_bytes(data[:4], "big")
            )
        else:
            raise ValueError(f"a point in time of {len(data)} bytes")
        found._check()
        return found

    def _check(self) -> None:
        if not _EARLIEST <= self.seconds <= _LATEST:
            raise ValueError("a point in time outside the years 1 to 9999")
        if not 0 <= self.nanoseconds <= 999_999_999:
            raise ValueError(f"a point in time with {self.nanoseconds} nanoseconds")

    @property
    def text(self) -> str:
        """The form of JSON bodies; raises `ValueError`."""
        self._check()
        whole = _EPOCH + timedelta(seconds=self.seconds)
        fraction = f".{self.nanoseconds:09}".rstrip("0").rstrip(".")
        return f"{whole:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + fraction + "Z"

    @classmethod
    def parsed(cls, text: str) -> "Timestamp":
        """Reads the form of JSON bodies; raises `ValueError`."""
        match = _TEXT.fullmatch(text)
        if match is None or not text.isascii():
            raise ValueError("not of the form 2026-01-02T03:04:05.678Z")
        whole = datetime.fromisoformat(match[1]).replace(tzinfo=UTC)
        return cls(cls.of(whole).seconds, int((match[2] or "").ljust(9, "0")))
