"""JSON logs, a line each. A record carries names and figures, never a prompt, a key, or an exception's words."""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Final

import orjson

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class JsonLines(logging.Formatter):
    """`{"at", "level", "logger", "message", …}`: everything passed as `extra` becomes a member."""

    def format(self, record: logging.LogRecord) -> str:
        """One log record as a line of JSON."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line.update((key, value) for key, value in vars(record).items() if key not in _STANDARD)
        if record.exc_info and record.exc_info[1] is not None:
            line["where"] = where(record.exc_info[1])
            line["error"] = type(record.exc_info[1]).__name__
        return orjson.dumps(line, default=str).decode()


def where(error: BaseException) -> list[str]:
    """The frames an exception came through, without its message: that may quote what a client sent."""
    return [
        f"{frame.name} ({frame.filename}:{frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
    ]


def configure(level: str) -> None:
    """Send every log to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.getLogger("uvicorn.access").disabled = True
