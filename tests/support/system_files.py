"""Folders that look like /proc and /sys."""

from __future__ import annotations

from pathlib import Path

from fitdoctor.system.source import Target

PID = 40

STAT = (
    "{pid} (py) thon) S {parent} 40 40 0 -1 4194304 9 0 {faults} 2 {user} {kernel} {child} 0 20 0 {threads} 0 500 "
    "9999 {pages} 18446744"
)
CORES = "cpu  9 0 9 9 0 0 0 0 0 0\ncpu0 {0} 0 100 {1} 50 0 0 10 0 0\ncpu1 {2} 0 0 {3} 0 0 0 0 0 0\nintr 1 2 3\n"


def write(path: Path, text: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(text))


def process(
    root: Path, pid: int = PID, *, parent: int = 1, wait_s: float = 0.0, read: int = 0, written: int = 0, **changed: int
) -> None:
    values = {"faults": 0, "user": 0, "kernel": 0, "child": 0, "threads": 1, "pages": 0, **changed}
    folder = root / "proc" / str(pid)
    write(folder / "stat", STAT.format(pid=pid, parent=parent, **values))
    write(
        folder / "io",
        f"rchar: {read}\nwchar: {written}\nsyscr: 1\nsyscw: 1\nread_bytes: {read // 2}\nwrite_bytes: {written // 2}\n",
    )
    write(folder / "task" / str(pid) / "schedstat", f"{values['user'] * 10**7} {round(wait_s * 1e9)} 7\n")


def place(root: Path, *cores: int) -> Target:
    return Target(process=PID, cores=frozenset(cores), proc=root / "proc", sys=root / "sys")
