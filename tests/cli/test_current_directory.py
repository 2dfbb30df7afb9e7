"""What lies in the current directory is never run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_PLANTED = "import pathlib; pathlib.Path('was-run').touch(); raise SystemExit('planted')"


@pytest.mark.parametrize("module", ["click", "msgspec", "json", "ovh_api_mcp", "stamina", "_quickjs"])
def test_a_module_in_the_current_directory_is_not_run(module: str, tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text(_PLANTED)
    program = Path(sys.executable).with_name("ovh-api-mcp")
    done = subprocess.run(
        [
            program,
            "search",
            "--endpoint",
            "simulator",
            "--no-cache",
            "(spec) => Object.keys(spec.paths).length",
        ],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
    assert not (tmp_path / "was-run").exists()
