"""The repository itself: make targets, dependencies, the README, and the scripts that make skeletons."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from fitdoctor.cli.main import main

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXTRAS = PROJECT["optional-dependencies"]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FRAMEWORKS = {"jax", "keras", "tensorflow", "tensorflow-cpu", "tf-keras", "torch"}


def distribution(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return match.group().lower()


def commands() -> list[str]:
    assert isinstance(main, click.Group)
    return main.list_commands(click.Context(main))


@pytest.mark.parametrize("target", ["demo", "test", "lint", "types", "contracts", "check", "clean"])
def test_make_targets_exist(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
    assert re.search(rf"^\.PHONY:.*\b{target}\b", makefile, re.MULTILINE)


def test_the_demo_needs_no_developer_tools() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo: \$\(DEMO_STAMP\)", makefile, re.MULTILINE)
    assert re.search(r"^\t.*fitdoctor diagnose examples/slow_pipeline\.py$", makefile, re.MULTILINE)
    assert (ROOT / "examples" / "slow_pipeline.py").is_file()


def test_ci_runs_every_check() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "set -euo pipefail" in script
    for target in ("test", "lint", "types", "contracts"):
        assert f"make {target}\n" in script


@pytest.mark.parametrize("requirement", PROJECT["dependencies"] + [one for extra in EXTRAS.values() for one in extra])
def test_dependencies_have_a_lower_bound_and_no_upper_one(requirement: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+>=[0-9.]+", requirement)


@pytest.mark.parametrize("requirement", PROJECT["dependencies"])
def test_each_runtime_dependency_has_a_reason(requirement: str) -> None:
    (line,) = (line for line in PYPROJECT.splitlines() if line.strip().startswith(f'"{requirement}"'))
    assert len(line.partition("#")[2].split()) >= 5


def test_no_framework_among_the_runtime_dependencies() -> None:
    assert FRAMEWORKS.isdisjoint(map(distribution, PROJECT["dependencies"]))


def test_the_readme_names_the_commands_that_exist_and_no_others() -> None:
    named = re.findall(r"(?:`|^\$ )fitdoctor ([a-z-]+)", README, re.MULTILINE)
    assert set(named) == set(commands())


def test_the_readme_names_every_option_of_diagnose() -> None:
    command = main.get_command(click.Context(main), "diagnose")
    assert command is not None
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert any(f"`{option}" in README for option in parameter.opts), parameter.opts


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_are_valid(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy that the scripts may write into."""
    for folder in ("scripts", "src"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def run(copy: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a tool in the copy, with the copy's package in front of the installed one."""
    environment = os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=copy, env=environment)


def make(copy: Path, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, f"scripts/{script}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=copy)


SCRIPTS = [("new_cause.py", "causes", "input"), ("new_remedy.py", "remedies", "pipeline")]


@pytest.mark.parametrize(("script", "package", "folder"), SCRIPTS)
def test_skeletons_compile_and_are_never_overwritten(copy: Path, script: str, package: str, folder: str) -> None:
    first = make(copy, script, folder, "many-small-parts", "It's made of many small parts.")
    assert first.returncode == 0, first.stderr
    unit = copy / "src" / "fitdoctor" / package / folder / "many_small_parts.py"
    test = copy / "tests" / package / "test_many_small_parts.py"
    assert first.stdout.split() == [str(unit.relative_to(copy)), str(test.relative_to(copy))]
    for path in (unit, test):
        ast.parse(path.read_text(encoding="utf-8"))
    assert 'TITLE = "It\'s made of many small parts"' in unit.read_text(encoding="utf-8")

    unit.write_text("mine", encoding="utf-8")
    test.unlink()
    second = make(copy, script, folder, "many-small-parts", "Again")
    assert second.returncode == 1
    assert "exists already" in second.stderr
    assert unit.read_text(encoding="utf-8") == "mine"
    assert not test.exists()


@pytest.mark.parametrize(("script", "package", "folder"), SCRIPTS)
def test_skeletons_pass_the_linter_and_fail_their_tests(copy: Path, script: str, package: str, folder: str) -> None:
    assert make(copy, script, folder, "many-small-parts", "Many small parts").returncode == 0
    unit = copy / "src" / "fitdoctor" / package / folder / "many_small_parts.py"
    test = copy / "tests" / package / "test_many_small_parts.py"
    for action in (["check"], ["format", "--check"]):
        result = run(copy, "ruff", *action, "--no-cache", str(unit), str(test))
        assert result.returncode == 0, result.stdout + result.stderr
    result = run(copy, "pytest", "-p", "no:cacheprovider", str(test))
    assert result.returncode == pytest.ExitCode.TESTS_FAILED, result.stdout + result.stderr
    assert re.search(r"\d+ failed, \d+ passed", result.stdout), result.stdout


@pytest.mark.parametrize(
    "wrong", ["Slow-Storage", "slow_storage", "slow storage", "-slow", "slow--storage", "../slow", ""]
)
@pytest.mark.parametrize(("script", "package", "folder"), SCRIPTS)
def test_an_id_that_is_not_kebab_case_is_refused(
    copy: Path, script: str, package: str, folder: str, wrong: str
) -> None:
    before = sorted(copy.rglob("*.py"))
    result = make(copy, script, folder, "--", wrong, "Title")
    assert result.returncode == 2
    assert "expected lower-case words" in result.stderr
    assert sorted(copy.rglob("*.py")) == before


def test_an_unknown_family_is_refused_with_a_list_of_families(copy: Path) -> None:
    result = make(copy, "new_cause.py", "weather", "slow-storage", "Title")
    assert result.returncode == 2
    assert "callbacks" in result.stderr
