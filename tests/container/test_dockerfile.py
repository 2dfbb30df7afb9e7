"""What the Dockerfile promises, read from the file itself; tests/container/steps.py runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.container.build_context import copy_context
from tests.container.dockerfile import Instruction, Stage, parse_dockerfile

_CHECKOUT = Path(__file__).resolve().parents[2]
_SECRET_NAME = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL", re.I)


@pytest.fixture(scope="module")
def stages() -> tuple[Stage, ...]:
    return parse_dockerfile((_CHECKOUT / "Dockerfile").read_text())


@pytest.fixture(scope="module")
def image(stages: tuple[Stage, ...]) -> Stage:
    """Return the last stage: what users run."""
    return stages[-1]


def _last(stage: Stage, keyword: str) -> Instruction:
    instruction = stage.last(keyword)
    assert instruction is not None, f"no {keyword}"
    return instruction


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run(
        [hadolint, "Dockerfile"], cwd=_CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_it_is_built_in_one_stage_and_run_in_another_of_the_same_python(stages: tuple[Stage, ...]) -> None:
    assert len(stages) == 2
    assert len({stage.base for stage in stages}) == 1
    assert stages[-1].base.startswith("python:3.")
    copied = [each.flag("from") for each in stages[-1].instructions if each.keyword == "COPY"]
    assert copied == [stages[0].name], "the image gets what was built, and nothing of the build context"


def test_every_package_is_pinned_by_hash_and_none_is_built_from_source(stages: tuple[Stage, ...]) -> None:
    parts = [
        part
        for stage in stages
        for step in stage.instructions
        if step.keyword == "RUN"
        for part in step.text.split(" && ")
    ]
    for part in parts:
        if "pip install" in part and "dist/*.whl" not in part:
            assert "--require-hashes" in part
            assert "--only-binary :all:" in part


def test_it_runs_as_a_user_that_is_known_not_to_be_root(image: Stage) -> None:
    # A number: Kubernetes' runAsNonRoot cannot tell whether a name is root.
    user = _last(image, "USER").text
    assert user.isdecimal()
    assert int(user) > 0
    *_, last_run = (each for each in image.instructions if each.keyword == "RUN")
    assert last_run.line < _last(image, "USER").line


def test_its_health_is_asked_for_without_a_shell_and_without_a_proxy(image: Stage) -> None:
    command = _last(image, "HEALTHCHECK").command()
    assert command[0] == "python"
    assert "/healthz" in command[-1]
    assert "urllib" not in command[-1]


def test_signals_reach_the_program_and_http_on_every_address_is_its_default(image: Stage) -> None:
    assert _last(image, "ENTRYPOINT").command() == ("ovh-api-mcp",)
    # Without --transport, which would win over OVH_TRANSPORT; http is the default.
    assert _last(image, "CMD").command() == ("--host", "0.0.0.0")


def test_its_port_cache_and_state_are_where_it_says(image: Stage) -> None:
    environment = dict(_last(image, "ENV").assignments())
    assert _last(image, "EXPOSE").text == environment["PORT"]
    kept = [environment["OVH_CACHE_DIR"], environment["OVH_STATE_DIR"]]
    assert _last(image, "VOLUME").text.split() == kept


def test_it_holds_no_secrets_and_no_way_round_the_token(stages: tuple[Stage, ...]) -> None:
    names = [
        name
        for stage in stages
        for each in stage.instructions
        if each.keyword in ("ENV", "LABEL")
        for name, _ in each.assignments()
    ]
    assert [name for name in names if _SECRET_NAME.search(name)] == []
    assert [name for name in names if "ANONYMOUS" in name] == []


def test_a_build_sees_the_sources_and_nothing_else_of_the_checkout(tmp_path: Path) -> None:
    copy_context(_CHECKOUT, tmp_path)
    seen = {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    assert {path.parts[0] for path in seen} == {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "requirements",
        "src",
    }
    assert {path.name for path in seen if path.parts[0] == "requirements"} == {"build.txt", "runtime.txt"}
    assert [path for path in seen if "__pycache__" in path.parts or path.name.startswith(".")] == []
