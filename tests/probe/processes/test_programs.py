"""Programs that are known to change files are told from those that are not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fitdoctor.probe.processes.programs import changes_files, shell_changes_files

CHANGE = [
    "rm -rf results",
    "/bin/cp best.pt final.pt",
    "mv a b",
    "env A=1 rm x",
    "sudo -n nice 10 mv a b",
    "git commit -am run",
    "git -C .. checkout main",
    "git tag v1",
    "sed -i s/a/b/ config.yaml",
    "sh run.sh",
    "./run.sh",
    "bash -lc 'cd out && rm *.pt'",
    "python evaluate.py",
    "python3.11 -u export.py --all",
    "aws s3 cp best.pt s3://bucket/",
    "timeout -k 5 10s rm x",
    "sudo -u ann rm x",
    "env -u A nice -n 1 rm x",
    "eval 'rm x'",
    "find . -name '*.pt' -delete",
    "find . -exec rm x +",
]
LEAVE = [
    "git rev-parse HEAD",
    "git -C .. -c core.pager=cat describe --always",
    "git --version",
    "git status --porcelain",
    "nvidia-smi --query-gpu=name --format=csv",
    "uname -p",
    "sed -n 1p config.yaml",
    "sh -c 'echo hello'",
    "command -v rm",
    "find . -name '*.pt'",
    "python -m pip --version",
    "python -c 'import torch'",
    "python --version",
    "wc -l data.csv",
    "unzip data.zip",
]


@pytest.mark.parametrize("line", CHANGE)
def test_programs_that_change_files_are_detected(line: str) -> None:
    import shlex

    assert changes_files(shlex.split(line))
    assert shell_changes_files(line)
    assert shell_changes_files(f"echo a; {line}")


@pytest.mark.parametrize("line", LEAVE)
def test_harmless_programs_are_not_detected(line: str) -> None:
    import shlex

    assert not changes_files(shlex.split(line))
    assert not shell_changes_files(line)
    assert not shell_changes_files(f"{line} 2>/dev/null | head -1 2>&1")


@pytest.mark.parametrize(
    "line", ["echo x > results.txt", "date >> log", "cat a|tee b", "echo 'a > b'>c", "(cd out; rm x)", "ls 2> errors"]
)
def test_shell_lines_that_write_are_detected(line: str) -> None:
    assert shell_changes_files(line)


@pytest.mark.parametrize(
    "line",
    [
        "for i in 1; do rm v.txt; done",
        "if test -e a; then rm a; fi",
        "if rm a; then echo; elif rm b; then echo; fi",
        "if false; then echo; else rm a; fi",
        "while rm a; do sleep 1; done",
        "until ! rm a; do sleep 1; done",
        "{ rm a; }",
        "(rm a)",
        "time exec builtin command rm a",
        "f() { rm a; }; f",
    ],
)
def test_shell_keywords_before_a_program_are_skipped(line: str) -> None:
    assert shell_changes_files(line)


@pytest.mark.parametrize(
    "line",
    ["echo 'a > b'", "ls > /dev/null 2>&1", "", "test 1 -gt 0 && echo a=>b", "awk '{ if ($1 > 3) print }' data.csv"],
)
def test_shell_lines_that_only_read_are_not_detected(line: str) -> None:
    assert not shell_changes_files(line)


def test_modules_of_the_user_may_change_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "evaluation").mkdir()
    (tmp_path / "prepare.py").touch()
    monkeypatch.chdir(tmp_path)
    assert changes_files([sys.executable, "-m", "evaluation.run"])
    assert changes_files([sys.executable, "-m", "prepare"])
    assert not changes_files([sys.executable, "-m", "torch.utils.collect_env"])


def test_scripts_of_installed_packages_are_trusted() -> None:
    assert not changes_files([sys.executable, str(Path(pytest.__file__).parent / "__main__.py")])
