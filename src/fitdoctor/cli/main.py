"""The command `fitdoctor`. Each command's module is imported when it is needed, and what is heavy only inside it."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

import click

import fitdoctor
from fitdoctor.cli.interrupts import never_lost
from fitdoctor.cli.say import never_fail_on_signs, say, wrapped
from fitdoctor.cli.streams import reserve_missing
from fitdoctor.errors import FitdoctorError
from fitdoctor.printable import printable

COMMANDS: Mapping[str, str] = {
    "diagnose": "fitdoctor.cli.diagnose",
    "watch": "fitdoctor.cli.watch",
    "treat": "fitdoctor.cli.treat",
    "report": "fitdoctor.cli.report",
    "compare": "fitdoctor.cli.compare",
    "explain": "fitdoctor.cli.explain",
    "bundle": "fitdoctor.cli.bundle",
    "env": "fitdoctor.cli.env",
}
"""Commands in the order of `--help`: the main job first. Each module holds a command called `command`."""

FAILURE_EXIT_CODE = 2
ERROR = "Error: "
"""What click begins a message with."""
INTERRUPTED_EXIT_CODE = 130
"""128 + SIGINT, as shells report it."""


class Commands(click.Group):
    """A group that imports its commands lazily and ends every failure in a message instead of a traceback."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name]).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and args[0].endswith(".py"):
            ctx.fail(f"Received “{args[0]}”, expected a command. Did you mean “fitdoctor diagnose {args[0]}”?")
        return super().resolve_command(ctx, args)

    def main(self, args: Sequence[str] | None = None, *more: Any, **keywords: Any) -> Any:
        if args is None:  # the process is ours
            reserve_missing()
            never_lost()
            never_fail_on_signs()
            if sys.flags.inspect:
                return _main_under_inspect(super().main, *more, **keywords)
        return super().main(args, *more, **keywords)

    def make_context(self, *arguments: Any, **keywords: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **keywords)
        except click.ClickException as error:
            raise _cleaned(error) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except FitdoctorError as error:
            say(str(error))
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            say("Interrupted.")
            ctx.exit(INTERRUPTED_EXIT_CODE)
        except click.ClickException as error:
            raise _cleaned(error) from None
        except (click.Abort, click.exceptions.Exit, BrokenPipeError):
            raise
        except Exception as error:
            if os.environ.get("FITDOCTOR_TRACEBACK"):
                raise
            say(
                f"{type(error).__name__}: {error}\n"
                "That is a fault of fitdoctor, not of your script. What was recorded until then is kept. "
                "Set FITDOCTOR_TRACEBACK=1 to see where it happened, and please report it."
            )
            ctx.exit(FAILURE_EXIT_CODE)


def _main_under_inspect(run: Callable[..., Any], *more: Any, **keywords: Any) -> NoReturn:
    """With PYTHONINSPECT set, which is meant for the script, Python takes our `sys.exit` for an error:

    the process ends without it.
    """
    try:
        run(None, *more, **keywords)
        code = 0
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else 1
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):
            stream.flush()
    os._exit(code & 0xFF)


def _cleaned(error: click.ClickException) -> click.ClickException:
    """The same error with a message that holds no commands to a terminal:

    click repeats arguments as they were given.
    """
    text = error.format_message()
    clean = text if text.isprintable() else printable(text)
    shown = wrapped(ERROR + clean, sys.stderr).removeprefix(ERROR) if isinstance(error, click.UsageError) else clean
    if text == shown or type(error).__name__ == "NoArgsIsHelpError":  # since click 8.2, and a page of ours
        return error
    return click.UsageError(shown, ctx=error.ctx if isinstance(error, click.UsageError) else None)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(fitdoctor.__version__, prog_name="fitdoctor", message="%(prog)s %(version)s")
def main() -> None:
    """Finds out why a Keras fit() is slow, and proves what makes it fast."""
