"""What looking at the system costs, source by source, and what this machine tells.

`python -m bench.system` starts a process with many threads and a child, and looks at it: first each source by itself,
then all of them as `fitdoctor watch` does, for some seconds. Seconds are CPU time of the thread that looks.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from fitdoctor.system.look import OUTSIDE
from fitdoctor.system.sampler import Sampler
from fitdoctor.system.source import Place

LOOKS = 200
WATCHED = """\
import subprocess, sys, threading, time
for _ in range({threads}):
    threading.Thread(target=time.sleep, args=(1e6,), daemon=True).start()
child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
print("ready", flush=True)
sys.stdin.read()
child.communicate()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=64, help="threads of the process that is looked at")
    parser.add_argument("--seconds", type=float, default=30.0, help="how long all sources are read together")
    arguments = parser.parse_args()
    command = [sys.executable, "-c", WATCHED.format(threads=arguments.threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        print(f"{platform.platform()}, Python {platform.python_version()}, {arguments.threads} threads looked at\n")
        print("| source | opening, µs | first look, µs | a look, µs | tells |\n|---|---|---|---|---|")
        for name in OUTSIDE:
            print(_row(name, process.pid))
        sampler = Sampler()
        sampler.start(process.pid)
        time.sleep(arguments.seconds)
        system = sampler.stop()
        process.communicate()
    seconds = sum(system.stretches_s)
    share = system.own_cpu_s / seconds
    print(
        f"\nAll together for {seconds:.1f} s: {system.own_cpu_s:.3f} s of CPU, {share:.3%} of a core, opening included."
    )
    print(f"{len(system.stretches_s)} stretches, {len(json.dumps(asdict(system))) / 1e3:.0f} kB as JSON.")
    print(f"Not there: {', '.join(system.missing) or 'nothing'}. Failed: {' '.join(system.limits) or 'nothing'}.")
    for gpu in system.gpus:
        print(
            f"{gpu.device}: {', '.join(f'{key} {_mean(level.mean):.4g}' for key, level in gpu.series.levels.items())}"
        )


def _row(name: str, process: int) -> str:
    began_s = time.thread_time()
    found = OUTSIDE[name](Place(process=process))
    opened_us = (time.thread_time() - began_s) * 1e6
    sources = [] if found is None else list(found) if isinstance(found, Sequence) else [found]
    if not sources:
        return f"| {name} | {opened_us:.0f} | | | nothing |"
    looks_us, told = [], set()
    for _ in range(LOOKS):
        began_s = time.thread_time()
        readings = [source.read() for source in sources]
        looks_us.append((time.thread_time() - began_s) * 1e6)
        told |= {key for reading in readings for key in (*reading.counters, *reading.levels)}
        time.sleep(0.002)
    for source in sources:
        source.close()
    return (
        f"| {name} | {opened_us:.0f} | {looks_us[0]:.0f} | {statistics.median(looks_us[1:]):.0f} |"
        f" {', '.join(sorted(told))} |"
    )


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return statistics.fmean(known) if known else 0.0


if __name__ == "__main__":
    main()
