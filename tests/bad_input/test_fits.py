"""Scripts that fail after a fit: the results until then are reported and saved."""

from __future__ import annotations

import subprocess

import pytest

import fitdoctor
from tests.bad_input.conftest import FIT, MODEL, REHEARSED, SAVED, Lab

REPORTED = {"log.txt", "report.json", "run.json"}

AFTER = {
    "an exception": ("raise ValueError('after')\n", "The script raised ValueError: after at train.py:7"),
    "os._exit": (SAVED + "import os\nos._exit(4)\n", "exited with code 4"),
    "a crash": (SAVED + "import os\nos.kill(os.getpid(), 9)\n", "killed by SIGKILL"),
    "a hang": ("import time\ntime.sleep(10**6)\n", "was stopped at train.py:8 when its time was used up"),
    "a strange attribute": (
        (
            "class Odd(keras.Callback):\n    best, seed, name = float('inf'), 2**80, '\\udcff'\n    def __init__(self):"
            " self.best, self.seed, self.name, self.odd = self.best, self.seed, self.name, float('nan')\nmodel.fit(x,"
            " batch_size=np.int32(32), epochs=np.int64(2), callbacks=[Odd()])\n"
        ),
        "",
    ),
    "another fit that fails": ("try: model.fit(x, epochs='3')\nexcept TypeError: print('caught')\n", ""),
    "a low recursion limit": ("import sys\nsys.setrecursionlimit(70)\n" + FIT, ""),
}


@pytest.mark.parametrize("case", AFTER)
def test_fits_before_an_error_are_reported(lab: Lab, case: str) -> None:
    rest, words = AFTER[case]
    ended = lab.diagnose(MODEL + FIT + rest)
    assert ended.code == 0, ended.err
    assert "20 epochs × 10 steps" in ended.out
    assert words in " ".join(ended.out.split())
    assert "Traceback" not in ended.out + ended.err
    assert (lab.kept(), ended.processes) == (REPORTED, ())


@pytest.fixture
def unlayered(lab: Lab) -> Lab:
    """A diagnosis without a scratch layer, where the write guard protects files."""
    lab.environment["FITDOCTOR_LAYER"] = "0"
    return lab


def test_the_log_of_a_flood_of_output_is_cut(lab: Lab) -> None:
    ended = lab.diagnose(MODEL + FIT + "for i in range(100_000): print('x' * 999)\n")
    assert ended.code == 0
    (log,) = lab.folder.glob(".fitdoctor/*/log.txt")
    assert 2_000_000 < log.stat().st_size < 3_000_000


def test_a_rehearsal_that_fails_is_a_limit_of_the_report(lab: Lab) -> None:
    ended = lab.diagnose(MODEL + FIT, budget="20")
    assert ended.code == 0
    assert "The trials at train.py:6 ended early" in " ".join(ended.out.split())
    assert (lab.kept(), ended.processes) == (REPORTED, ())


def test_existing_files_stay_unchanged(unlayered: Lab) -> None:
    writes = "model.save('model.keras')\nopen('results.txt', 'w').write('new')\nopen('log.txt', 'a').write('more')\n"
    script = MODEL + FIT + writes + "import os\nos.rename('results', 'results-1')\n"
    (unlayered.folder / "results").mkdir()
    ended = unlayered.diagnose(script, model__keras="precious", results__txt="precious", log__txt="precious")
    assert ended.code == 0
    precious = dict.fromkeys(("log.txt", "model.keras", "results.txt"), "precious")
    assert ended.files == {**precious, "train.py": script}
    assert (unlayered.folder / "results").is_dir()
    assert "before it could rename or replace" in " ".join(ended.out.split())
    assert "at train.py:11" in " ".join(ended.out.split())


def test_a_write_before_fit_goes_to_a_private_copy(unlayered: Lab) -> None:
    script = "open('results.txt', 'w').write('new')\nassert open('results.txt').read() == 'new'\n" + MODEL + FIT
    ended = unlayered.diagnose(script, results__txt="precious")
    assert (ended.code, ended.files["results.txt"]) == (0, "precious")


def test_deleting_a_folder_before_fit_needs_permission(unlayered: Lab) -> None:
    (unlayered.folder / "results").mkdir()
    script = (
        "import os\nos.path.isdir('results') and os.rmdir('results')\nopen('results.txt', 'w').write('new')\n"
        + MODEL
        + FIT
    )
    ended = unlayered.diagnose(script, results__txt="precious")
    assert "about to delete the folder" in ended.err
    assert "results at train.py:2" in ended.err
    assert (ended.code, ended.files["results.txt"]) == (2, "precious")
    allowed = unlayered.diagnose(script, "--allow-writes", "train.py", results__txt="precious")
    assert (allowed.code, allowed.files["results.txt"]) == (0, "new")
    assert "results.txt" in "".join(allowed.out.split())  # a long path is wrapped


def test_files_left_on_disk_are_reported_without_a_verdict_too(unlayered: Lab) -> None:
    ended = unlayered.diagnose("open('new.txt', 'w').write('x')\n")
    assert "left behind, was moved to .fitdoctor/" in ended.err
    assert "new.txt" in ended.err
    assert "new.txt" not in ended.files


def test_every_process_reads_the_piped_input(lab: Lab) -> None:
    lab.write("import sys\nassert sys.stdin.read() == 'data\\n'\n" + MODEL + FIT)
    process = lab.start("--budget", "20", "--stdin", "train.py", stdin=subprocess.PIPE)
    ended = lab.end(process, "data\n")
    assert ended.code == 0
    assert "AssertionError" not in ended.out
    (log,) = lab.folder.glob(".fitdoctor/*/log.txt")
    assert "--- rehearsal" in log.read_text()
    assert "AssertionError" not in log.read_text()


def test_options_after_the_script_belong_to_the_script(lab: Lab) -> None:
    theirs = ("--budget", "5", "-o", "x", "-m", "a", "--help")
    ended = lab.diagnose(f"import sys\nassert sys.argv[1:] == {list(theirs)}\n" + MODEL + FIT, "train.py", *theirs)
    assert ended.code == 0


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_a_script_may_use_several_processes(lab: Lab, method: str) -> None:
    ended = lab.diagnose(
        "import multiprocessing\ndef double(x): return 2 * x\n"
        "if __name__ == '__main__':\n"
        f"    with multiprocessing.get_context('{method}').Pool(2) as pool: assert pool.map(double, [1, 2]) == [2, 4]\n"
        + "".join(f"    {line}\n" for line in (MODEL + FIT).splitlines())
    )
    assert (ended.code, ended.processes) == (0, ())


def test_a_script_may_change_its_directory(lab: Lab) -> None:
    ended = lab.diagnose("import os\nos.makedirs('sub', exist_ok=True)\nos.chdir('sub')\n" + MODEL + FIT)
    assert ended.code == 0
    assert lab.kept() == REPORTED


def test_paths_may_have_spaces_and_any_letters(lab: Lab) -> None:
    (lab.folder / "my dir é").mkdir()
    (lab.folder / "my dir é" / "tr äin ü.py").write_text(MODEL + FIT, encoding="utf-8")
    ended = lab.diagnose("", "my dir é/tr äin ü.py")
    assert ended.code == 0
    assert "tr äin ü.py" in ended.out


def test_a_package_may_import_from_itself(lab: Lab) -> None:
    package = lab.folder / "pkg"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "data.py").write_text("rows = 3\n")
    (package / "train.py").write_text("from .data import rows\n" + MODEL + FIT)
    ended = lab.diagnose("", "-m", "pkg.train", "-o", "x")
    assert ended.code == 0
    (report,) = lab.folder.glob(".fitdoctor/*/report.json")
    assert fitdoctor.load_report(report).verdict == "inconclusive"


def test_a_rehearsal_that_hangs_ends_with_the_budget(lab: Lab) -> None:
    again = f"import time\nif {REHEARSED}: time.sleep(10**6)\n"
    # A rehearsal needs 5 s after its start, so a smaller budget leaves none on a busy machine.
    ended = lab.diagnose(again + MODEL + FIT, budget="20")
    assert "The trials at train.py:8 ended early: it did not answer" in " ".join(ended.out.split())
    assert (ended.code, ended.processes) == (0, ())
