"""Log lines on standard error: one event a line, as key=value.

Contract: every line, tracebacks included, passes the redactor on its way out; nothing else in
the program attaches a handler.
"""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

from ovh_api_mcp.secret import Redactor

LOGGER: Final = "ovh_api_mcp"
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# Libraries that tell of every request or connection; their debug lines would hold bodies and headers.
_CHATTY: Final = ("asyncio", "httpcore2", "httpx2", "mcp", "uvicorn", "sse_starlette")


class KeyValueFormatter(logging.Formatter):
    """Writes `time=… level=… logger=… event=…` and any traceback below, with all secrets masked.

    The program's own messages begin with `event=`; those of libraries become its value.
    """

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; control characters are escaped, so that no value can forge a second line."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        name = record.name.removeprefix(f"{LOGGER}.")
        head = f"time={when.replace('+00:00', 'Z')} level={record.levelname.lower()} logger={name}"
        message = record.getMessage()
        event = (
            message if message.startswith("event=") else f"event={json.dumps(message, ensure_ascii=False)}"
        )
        line = f"{head} {_CONTROL.sub(lambda found: repr(found[0])[1:-1], event)}"
        if record.exc_info:
            line = f"{line}\n{self.formatException(record.exc_info)}"
        return self._redactor.redact(line)


def configure_logging(level: str, redactor: Redactor, stream: TextIO | None = None) -> None:
    """Send the program's log lines of `level` and above to `stream` (standard error); libraries only warn."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(KeyValueFormatter(redactor))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger(LOGGER).setLevel(level.upper())
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
