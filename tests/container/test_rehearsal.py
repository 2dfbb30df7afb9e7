"""The rehearsal reads a Dockerfile as an engine does, and says what it leaves out."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path, PurePosixPath

import psutil
import pytest

from tests.container.build_context import IgnoreFile
from tests.container.dockerfile import DockerfileError, Instruction, parse_dockerfile
from tests.container.image import Image
from tests.container.someone import Someone

_ME = Someone(os.geteuid(), os.getegid(), must_become=False)


@pytest.fixture
def image(tmp_path: Path) -> Image:
    (tmp_path / "context").mkdir()
    image = Image(tmp_path, _ME, Path(sys.executable))
    image.begin()
    return image


def _steps(image: Image, text: str) -> list[tuple[str, str]]:
    (stage,) = parse_dockerfile(f"FROM any\n{text}")
    return [(each.result, each.name) for step in stage.instructions for each in image.step(step)]


def test_continued_lines_are_one_instruction_whatever_stands_between() -> None:
    text = "# top\nFROM a AS one\nRUN x \\\n  # aside\n\n  && y\nFROM b\nCOPY --from=one /opt/a /opt/b\n"
    one, two = parse_dockerfile(text)
    assert (one.name, one.base, two.name) == ("one", "a", "1")
    assert one.instructions == (Instruction("RUN", "x && y", 3),)
    assert two.instructions == (Instruction("COPY", "/opt/a /opt/b", 8, (("from", "one"),)),)


@pytest.mark.parametrize("text", ["", "RUN x", "FROM a\nADD x y", "FROM a\nRUN x\nSHELL [\"bash\"]"])  # fmt: skip
def test_what_is_not_known_is_an_error_and_not_passed_over(text: str) -> None:
    with pytest.raises(DockerfileError):
        parse_dockerfile(text)


@pytest.mark.parametrize(
    ("path", "is_away"),
    [
        ("secret.env", True),
        (".git/config", True),
        ("src", False),
        ("src/a/b.py", False),
        ("src/a/__pycache__/b.pyc", True),
        ("__pycache__", True),
        ("requirements", True),
        ("requirements/runtime.txt", False),
        ("requirements/dev.txt", True),
        ("srcs/a.py", True),
    ],
)
def test_the_last_rule_of_dockerignore_that_fits_decides(path: str, is_away: bool) -> None:
    ignore = IgnoreFile("# why\n*\n!src\n!requirements/runtime.txt\n**/__pycache__\n")
    assert ignore.keeps_away(PurePosixPath(path)) is is_away


def test_a_directory_is_entered_for_what_a_rule_takes_back() -> None:
    ignore = IgnoreFile("*\n!requirements/runtime.txt")
    assert ignore.may_hold_kept(PurePosixPath("requirements"))
    assert not ignore.may_hold_kept(PurePosixPath(".git"))


@pytest.mark.parametrize("path", ["/opt", "/opt/a/bin", "/build/dist", "/var/cache/a", "/home/ovh"])
def test_paths_of_the_image_lie_below_its_root(image: Image, path: str) -> None:
    assert image.moved(f"X={path}:{path} '{path}'") == "X={0}:{0} '{0}'".format(f"{image.place}{path}")


@pytest.mark.parametrize(
    "text", ["/usr/bin/env", "dist/build", "http://127.0.0.1/opt", "/optional", "a/home", "$X/opt"]
)
def test_other_paths_stay_as_they_are(image: Image, text: str) -> None:
    assert image.moved(text) == text


def test_parts_that_need_root_are_left_out_by_name_and_the_rest_runs(image: Image) -> None:
    reports = _steps(
        image,
        "RUN useradd ovh && printf '%s' 'a && b' > /opt/said && chown ovh: /opt && touch /usr/local/lib/x",
    )
    assert reports == [
        ("left out", "RUN useradd ovh"),
        ("left out", "RUN chown ovh: /opt"),
        ("left out", "RUN touch /usr/local/lib/x"),
        ("ok", "RUN printf '%s' 'a && b' > /opt/said"),
    ]
    assert (image.place / "opt/said").read_text() == "a && b"


def test_a_step_that_fails_says_so(image: Image) -> None:
    assert _steps(image, "RUN exit 3") == [("failed", "RUN exit 3")]
    assert _steps(image, "COPY absent ./") == [("failed", "COPY absent ./")]
    with pytest.raises(DockerfileError, match="--from"):
        _steps(image, "COPY --chown=1 a b")
    with pytest.raises(DockerfileError, match="/srv"):
        _steps(image, "WORKDIR /srv")


def test_copy_takes_files_directories_and_what_another_stage_made(image: Image) -> None:
    (image.root / "context/src/a").mkdir(parents=True)
    (image.root / "context/src/a/b.py").write_text("b")
    (image.root / "context/one.txt").write_text("1")
    reports = _steps(image, "WORKDIR /build\nCOPY one.txt ./\nCOPY src src\nCOPY *.txt /opt/texts/")
    assert [result for result, _ in reports] == ["ok"] * 4
    (stage,) = parse_dockerfile("FROM any AS made")
    image.finish(stage)
    image.begin()
    assert _steps(image, "COPY --from=made /build /opt/it")[0][0] == "ok"
    assert (image.place / "opt/it/src/a/b.py").read_text() == "b"
    assert (image.root / "stages/made/opt/texts/one.txt").read_text() == "1"


def test_env_reaches_later_steps_with_the_values_before_it(image: Image) -> None:
    before = image.env["PATH"]
    _steps(image, "ENV PATH=/opt/bin:$PATH NAME='two words'\nRUN printf '%s' \"$NAME\" > said")
    assert image.env["PATH"] == f"{image.place}/opt/bin:{before}"
    assert (image.place / "said").read_text() == "two words"


def test_what_a_command_leaves_behind_is_ended_with_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    away = "import os, pathlib, time; os.setsid(); pathlib.Path('begun').write_text('now'); time.sleep(300)"
    script = f'sleep 300 & echo $! > near; {sys.executable} -c "{away}" & echo $! > away; wait'
    with (
        contextlib.suppress(InterruptedError),
        _ME.running(
            ("/bin/sh", "-c", script), env={"PATH": os.defpath}, cwd=tmp_path, output=tmp_path / "log"
        ),
    ):
        assert (tmp_path / "begun").read_text() == "now"
        raise InterruptedError
    left = [int((tmp_path / name).read_text()) for name in ("near", "away")]
    assert [pid for pid in left if psutil.pid_exists(pid)] == []
