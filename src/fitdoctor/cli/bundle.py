"""`fitdoctor bundle`: a recording without code, paths or data, to attach to a report of a wrong diagnosis."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.say import print_lines
from fitdoctor.errors import FitdoctorError
from fitdoctor.wording import plural

if TYPE_CHECKING:
    from fitdoctor.recording.bundle import Bundle

DEFAULT_NAME = "run.fitdoctor.json"


@click.command()
@click.argument("run", default="last")
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    default=DEFAULT_NAME,
    show_default=True,
    help="The file to write; its name ends in .json or .json.gz.",
)
def command(run: str, output: str) -> None:
    """Writes a run to one file, without code, paths or data.

    RUN is the folder of a run, its name, or "last" (the default). Placeholders replace the names of your files,
    functions and classes, and your lines of code, arguments, messages and texts. Numbers, line numbers and names of
    Keras and TensorFlow stay, so "fitdoctor report FILE" shows the same verdict.

    Exit code: 0, or 2 if there is no such run, the file exists already or it can't be written.
    """
    from fitdoctor.recording.bundle import bundle
    from fitdoctor.recording.folder import find_recording
    from fitdoctor.recording.load import load_run
    from fitdoctor.recording.save import encode_run, write_atomically

    path = Path(output)
    if not output.endswith((".json", ".json.gz")):
        raise FitdoctorError(
            f"Received “-o {output}”; expected a name that ends in .json or .json.gz. For instance “-o {DEFAULT_NAME}”."
        )
    if path.exists():
        raise FitdoctorError(
            f"{path} exists already and was not changed. Name another file with -o, or remove it first."
        )
    recording, _ = find_recording(run)
    made = bundle(load_run(recording))
    data = encode_run(made.run)
    write_atomically(path, gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    print_lines(_summary(made, path, len(data)))


def _summary(made: Bundle, path: Path, size: int) -> str:

    run = made.run
    fits, loops = (run.scout.fits, run.scout.loops) if run.scout else ([], [])
    held = ", ".join(
        (
            plural(len(fits), "fit"),
            plural(len(loops), "loop"),
            plural(sum(len(fit.callbacks) for fit in fits), "callback"),
            plural(sum(len(rehearsal.windows) for rehearsal in run.rehearsals), "timed window"),
        )
    )
    replaced = ", ".join(f"{count} × {kind}" for kind, count in sorted(made.replaced.items())) or "nothing"
    return (
        f"Wrote {path} ({size / 1024:.0f} kB of JSON): {held}.\n"
        f"Replaced by placeholders: {replaced}. Lines of code and messages of errors were left out.\n"
        "Read it before you send it. It still holds numbers, line numbers, and names that Keras, TensorFlow and "
        "fitdoctor use.\n"
        f"“fitdoctor report {path}” shows its report."
    )
