"""What DSPy logs of a job: for the job alone, since it can hold parts of rows."""

import contextlib
import logging
from collections.abc import Callable, Iterator

_LOGGERS = ("dspy", "gepa", "optuna")

IsHere = Callable[[], bool]
Take = Callable[[str, str], None]


@contextlib.contextmanager
def taken(is_here: IsHere, take: Take) -> Iterator[None]:
    """Gives `take` the level and text of what the job's threads log, and nobody else."""
    own, others = _Lines(is_here, take), _Others(is_here)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    handlers = [handler for logger in loggers for handler in logger.handlers]
    for handler in handlers:
        handler.addFilter(others)
    for logger in loggers:
        logger.addHandler(own)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(own)
        for handler in handlers:
            handler.removeFilter(others)


class _Lines(logging.Handler):
    def __init__(self, is_here: IsHere, take: Take) -> None:
        super().__init__(logging.INFO)
        self._is_here = is_here
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Takes a line."""
        if not self._is_here():
            return
        with contextlib.suppress(TypeError, ValueError):
            if text := record.getMessage().strip():
                self._take(record.levelname.lower(), text)


class _Others(logging.Filter):
    def __init__(self, is_here: IsHere) -> None:
        super().__init__()
        self._is_here = is_here

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is of somebody else."""
        return not self._is_here()
