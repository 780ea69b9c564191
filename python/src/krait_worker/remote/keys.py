"""The file of keys that a worker joins a pool by, as `krait keys` writes it."""

import os
import stat
from typing import Literal

import msgspec

from krait_worker import limits
from krait_worker.launch import Curve


class BadKeys(Exception):
    """The file cannot be used; says why, and never what is in it."""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    form: Literal["krait join keys 1"]
    pool: str
    side: Literal["server", "worker"]
    public: str
    secret: str
    other: str


def read(path: str) -> tuple[str, Curve]:
    """The pool that the keys are for, and the keys; raises `BadKeys`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise BadKeys(f"{path} cannot be read: {error.strerror}") from None
    with os.fdopen(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise BadKeys(f"{path} is no file")
        if facts.st_mode & 0o077 or facts.st_uid not in (os.geteuid(), 0):
            raise BadKeys(f"{path} may be read by others; chmod 600 it, and let it be yours")
        text = file.read(limits.KEY_FILE_BYTES)
    try:
        found = msgspec.json.decode(text, type=_File)
        keys = Curve(server=found.other, public=found.public, secret=found.secret)
    except (msgspec.MsgspecError, ValueError):
        raise BadKeys(f"{path} is not as `krait keys` writes it") from None
    if found.side != "worker":
        raise BadKeys(f"{path} is the server's file, which stays there; take the worker's")
    return found.pool, keys
