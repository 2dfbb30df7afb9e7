"""Run the Dockerfile's steps one by one, as a user without rights, in a directory that goes away.

    .venv/bin/python -m tests.container.steps

What a container engine would prove and this does not: that the base image has what it should, and
that the user of its own is made. Both kinds of steps are listed as left out, with the reason. Needs
the package index. Ends with status 1 if a step or a check failed.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.container.build_context import copy_context
from tests.container.dockerfile import DockerfileError, parse_dockerfile
from tests.container.image import Image, StepReport
from tests.container.interpreter import NoPythonError, find_interpreter
from tests.container.someone import Someone
from tests.container.trial import try_image

_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_INDENT: Final = " " * 18
_TAIL_LINES: Final = 40


def main() -> int:
    """Rehearse the build and try its result; return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything started is ended
    begun = time.monotonic()
    with _clean_directory() as root:
        try:
            failed = _say(_rehearse(root))
        except (DockerfileError, NoPythonError) as error:
            failed = _say(iter([StepReport("failed", "preparation", detail=str(error))]))
        if failed:
            _show_tail(root / "output.log")
    print(f"{'FAILED' if failed else 'all steps passed'} in {time.monotonic() - begun:.1f} s")
    return 1 if failed else 0


def _rehearse(root: Path) -> Iterator[StepReport]:
    """Yield the report of each step, in the file's order, and of each check; end after a failure."""
    stages = parse_dockerfile((_CHECKOUT / "Dockerfile").read_text())
    someone = Someone.present()
    yield StepReport("noted", f"user {someone.uid}", detail=_who(someone))
    interpreter = find_interpreter(someone, root)
    yield StepReport("noted", f"python is {interpreter.executable}", detail=interpreter.reason)
    files = copy_context(_CHECKOUT, root / "context")
    yield StepReport("noted", f"build context of {files} files", detail="as .dockerignore leaves it")

    image = Image(root, someone, interpreter.executable)
    for stage in stages:
        yield StepReport(
            "left out", f"FROM {stage.base} AS {stage.name}", detail="this machine stands for it"
        )
        image.begin()
        for instruction in stage.instructions:
            for report in image.step(instruction):
                yield report
                if report.result == "failed":
                    return
        if stage is not stages[-1]:
            image.finish(stage)
    yield from try_image(image, stages[-1])


def _who(someone: Someone) -> str:
    if someone.must_become:
        return "this is root, and becomes nobody for every step"
    return "whoever runs this"


def _say(reports: Iterator[StepReport]) -> bool:
    """Print reports as they come; tell whether one failed."""
    failed = False
    for report in reports:
        failed |= report.result == "failed"
        took = f"{report.took_s:5.1f} s" if report.took_s else ""
        name = report.name.replace(" && ", f"\n{_INDENT}    && ")
        detail = f"\n{_INDENT}    → {report.detail}" if report.detail else ""
        print(f"{report.result:<8} {took:>7}  {name}{detail}", flush=True)
    return failed


def _show_tail(output: Path) -> None:
    if output.is_file():
        print("--- the end of what the steps printed")
        print("\n".join(output.read_text(errors="replace").splitlines()[-_TAIL_LINES:]))


@contextlib.contextmanager
def _clean_directory() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ovh-api-mcp-container-") as name:
        root = Path(name).resolve()
        root.chmod(0o755)  # the steps' user is another one
        yield root


if __name__ == "__main__":
    sys.exit(main())
