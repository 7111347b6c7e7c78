"""`fitdoctor env`: what a bug report needs to know about the machine and the software."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

import fitdoctor
from fitdoctor.cli.say import print_lines
from fitdoctor.errors import FitdoctorError
from fitdoctor.interpreter import ask
from fitdoctor.printable import printable

Facts = Mapping[str, Any]

PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "tf-keras", "jax", "jaxlib", "torch", "numpy")

# Variables whose values are shown: they hold nothing private.
SHOWN_VALUES = ("KERAS_BACKEND", "XLA_FLAGS", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES")
# Not every TF_…: Terraform's variables begin so too, and hold passwords.
TENSORFLOW = (
    "TF_CPP_", "TF_CUDNN_", "TF_DATA_EXPERIMENT", "TF_DETERMINISTIC", "TF_DISABLE_", "TF_ENABLE_", "TF_FORCE_",
    "TF_FP16_", "TF_GPU_", "TF_NUM_", "TF_ONEDNN_", "TF_OVERRIDE_", "TF_SYNC_", "TF_USE_", "TF_XLA_",
)  # fmt: skip

# Variables that change how a training runs. Their names are shown, and the values of the harmless ones.
SHOWN_NAMES = (
    *TENSORFLOW,
    "TF_CONFIG",
    "KERAS_",
    "XLA_",
    "JAX_",
    "CUDA_",
    "NVIDIA_",
    "OMP_",
    "MKL_",
    "PYTORCH_",
    "TORCH_",
    "LD_PRELOAD",
    "MALLOC_",
)

_PATH = re.compile(r"[^\s=:,;]*[/\\][^\s:,;]*")

ASK = """
import json, platform
found = {name: version(name) for name in sys.argv[1:]}
packages = {name: text for name, text in found.items() if text}
print(json.dumps({"python": platform.python_version(), "packages": packages}))
"""

# A cold interpreter on a network file system takes seconds.
ASK_S = 20.0

FORMATS = (".json", ".txt")


@click.command()
@click.option(
    "--python", metavar="PATH", help="The interpreter of the training; the default is the one that runs fitdoctor."
)
@click.option("-o", "--output", metavar="FILE", help="Also write it to FILE (.json, .txt).")
def command(python: str | None, output: str | None) -> None:
    """Shows what a bug report needs: versions, cores, memory, GPU.

    It imports no framework, and shows no path or name of yours. Of environment variables it shows the names. It shows
    values, without paths, of KERAS_BACKEND, XLA_FLAGS, OMP_NUM_THREADS, CUDA_VISIBLE_DEVICES and TensorFlow's own.

    Exit code: 0, or 2 if the interpreter does not answer.
    """
    from fitdoctor.cli.target import find_python
    from fitdoctor.recording.save import write_atomically

    if output is not None and Path(output).suffix not in FORMATS:
        raise FitdoctorError(f"Received “-o {output}”; expected a name that ends in {' or '.join(FORMATS)}.")
    found = describe(find_python(python))
    text = _text(found)
    print_lines(text.removesuffix("\n"))
    if output is not None:
        data = json.dumps(found, indent=2) + "\n" if Path(output).suffix == ".json" else text
        write_atomically(Path(output), data.encode())


def describe(python: str) -> Facts:
    """Describes the machine, and asks the interpreter of the training for its packages.

    Raises:
        FitdoctorError: The interpreter does not answer.
    """
    return {
        "fitdoctor": fitdoctor.__version__,
        "fitdoctor_python": platform.python_version(),
        "training": _packages(python),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cpu": _cpu(),
        "memory": _memory(),
        "gpu": _gpus(),
        "variables": _variables(os.environ),
    }


def _packages(python: str) -> Facts:
    try:
        answer: Facts = json.loads(ask(python, ASK, *PACKAGES, patience_s=ASK_S))
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or str(error)
        last = str(said).strip().splitlines()[-1:]
        raise FitdoctorError(
            f"Received “--python {python}”, which did not list its packages ({''.join(last)}); "
            "expected Python 3.8 or later."
        ) from None
    return answer


def _cpu() -> Facts:
    import psutil

    return {
        "name": _cpu_name(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "usable": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "quota": _quota(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _quota() -> float | None:
    """How many cores the control group allows, or None where it sets no visible limit."""
    for quota_file, period_file in (("cpu.max", None), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        root = Path("/sys/fs/cgroup")
        try:
            numbers = (root / quota_file).read_text().split()
            if period_file:
                numbers += (root / period_file).read_text().split()
            quota, period = float(numbers[0]), float(numbers[1])
        except (OSError, ValueError, IndexError):
            continue
        return quota / period if quota > 0 and period > 0 else None
    return None


def _memory() -> Facts:
    import psutil

    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return {
        "bytes": memory.total,
        "available_bytes": memory.available,
        "swap_bytes": swap.total,
        "swap_used_bytes": swap.used,
    }


def _gpus() -> list[Facts]:
    """The NVIDIA GPUs, or none where there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - no driver, no library or no permission: none can be named
        return []
    try:
        driver = pynvml.nvmlSystemGetDriverVersion()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        return [
            {
                "name": pynvml.nvmlDeviceGetName(handle),
                "bytes": int(pynvml.nvmlDeviceGetMemoryInfo(handle).total),
                "driver": driver,
            }
            for handle in handles
        ]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """The variables that matter: with a harmless value, without its paths, or with None."""
    names = sorted(name for name in environment if name.startswith(SHOWN_NAMES))
    return {
        name: _PATH.sub("…", environment[name]) if name in SHOWN_VALUES or name.startswith(TENSORFLOW) else None
        for name in names
    }


def _text(found: Facts) -> str:
    cpu, memory, training = found["cpu"], found["memory"], found["training"]
    rows = [
        ("fitdoctor", f"{found['fitdoctor']} on Python {found['fitdoctor_python']}"),
        ("training", f"Python {training['python']}"),
        *((f"  {name}", version) for name, version in training["packages"].items()),
        ("system", found["system"]),
        ("CPU", cpu["name"] or "unknown"),
        (
            "  cores",
            f"{cpu['cores'] or '?'}, {cpu['threads'] or '?'} threads, {cpu['usable'] or '?'} usable here"
            f"{_limited(cpu['quota'])}",
        ),
        ("  load", "unknown" if cpu["load"] is None else f"{cpu['load']:g}"),
        ("memory", f"{_gib(memory['bytes'])}, {_gib(memory['available_bytes'])} available"),
        ("  swap", f"{_gib(memory['swap_bytes'])}, {_gib(memory['swap_used_bytes'])} used"),
        *(("GPU", f"{gpu['name']}, {_gib(gpu['bytes'])}, driver {gpu['driver']}") for gpu in found["gpu"] or []),
        *(
            (name, "set, value not shown" if value is None else value or "set to nothing")
            for name, value in found["variables"].items()
        ),
    ]
    if not training["packages"]:
        rows.insert(2, ("  packages", f"none of {', '.join(PACKAGES)}: name the training's interpreter with --python"))
    if not found["gpu"]:
        rows.append(("GPU", "none that NVML knows of"))
    width = max(len(name) for name, _ in rows) + 2
    return "".join(f"{printable(name):<{width}}{printable(value)}\n" for name, value in rows)


def _limited(quota: float | None) -> str:
    return f", limited to {quota:g} cores' time" if quota else ""


def _gib(count: int) -> str:
    return f"{count / 2**30:.1f} GiB"
