"""What is wrong with a value or a body, and where."""


class _Placed(Exception):
    """An error at a path such as `arguments.rows[3].id`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class Unserialisable(_Placed):
    """A value that no body can carry."""


class MalformedBody(_Placed):
    """A body that is not what its codec says."""


def place(path: str, step: str | int) -> str:
    """The path of an element: `rows` and `[3]` become `rows[3]`, then `rows[3].id`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step
