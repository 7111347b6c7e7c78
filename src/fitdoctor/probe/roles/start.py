"""What a child process is for: each role is a director behind the same seams."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any

from fitdoctor.probe.apply import environment
from fitdoctor.probe.instrument import thread_settings
from fitdoctor.probe.observe.observer import Observer
from fitdoctor.probe.processes import commands, forks
from fitdoctor.probe.processes.run_notes import SUFFIX, Notes
from fitdoctor.probe.roles import bystander, reexec
from fitdoctor.probe.support import call_sites, guard, thread_stacks
from fitdoctor.probe.support.hidden_thread import HiddenThread
from fitdoctor.probe.support.import_hook import ImportHook
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.record_writer import Store
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Ending, ProcessRecord
from fitdoctor.recording.plain import LONGEST_MESSAGE

if TYPE_CHECKING:
    from fitdoctor.probe.files.redirect import Redirect

SAVE_EVERY_S = 1.0
SAVING_SHARE = 0.001
YOUNG = 0.1
"""Most of a thread's time that goes into saving: where a record takes long to write, it is written less often, but
never at longer intervals than this share of the time that it has seen so far."""
TRACING = "tensorflow.python.eager.polymorphic_function.tracing_compilation"
TRIED = ("scout", "rehearsal", bystander.ROLE)
"""Roles in which the script is only tried:

it must not change anything of the user's. In the others it is run for real.
"""
BLOCKED = 75
"""Exit code of a child that ended rather than change one of the user's files."""
REFUSED = (
    "The script was about to start {program}, which may change files where fitdoctor can't hold it back, so it was not started. "
    "Pass --allow-writes if it may, or diagnose a copy of the folder."
)
REPLACED = (
    "The script was about to replace its process by {program} (os.exec). fitdoctor can't hold back what that would write, so it was not "
    "started. Do beforehand what the script starts itself anew for (for instance PYTHONHASHSEED=0 fitdoctor diagnose train.py), or "
    "diagnose what it starts."
)


class Probe:
    """Holds a director, its record and its account of time; `launch` tells it how the script ended."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        self.ledger = Ledger("start", started_s=spec["spawned_s"])
        self.scout = ProcessRecord(limits=list(spec.get("limits", ())))
        self.notes = Notes(spec.get("notes") or spec["out"] + SUFFIX)
        self._store = Store(spec["out"], lambda: self.scout)
        self.director = self._direct()
        self._done = False

    def _direct(self) -> Observer:
        if self.spec["role"] == "watch":
            from fitdoctor.probe.roles.watch import WatchRole

            return WatchRole(self.scout, self.ledger, self._store.save)
        if self.spec["role"] == "rehearsal":
            from fitdoctor.probe.roles.rehearsal import RehearsalRole

            return RehearsalRole(self.scout, self.ledger, self._store.save, self.spec)
        if self.spec["role"] == "treat":
            from fitdoctor.probe.roles.treat import TreatRole

            return TreatRole(self.scout, self.ledger, self._store.save, self.spec)
        from fitdoctor.probe.roles.scout import ScoutRole

        director = ScoutRole(self.scout, self.ledger, self._store.save)
        if self.spec["role"] == bystander.ROLE:
            return director
        director.folder = _folder(self.spec)
        director.watch_start()
        return director

    def started(self) -> None:
        """Leaves a first record: without one, the parent knows that the interpreter never came here."""
        self._store.save()

    def exited(self, exit_: SystemExit) -> None:
        text = _message(exit_) if exit_.code is not None and not isinstance(exit_.code, int) else ""
        self.director.end(Ending(how="exit", code=_exit_code(exit_.code), message=text, site=_site_of(exit_)))

    def raised(self, error: BaseException) -> None:
        how = "interrupted" if isinstance(error, KeyboardInterrupt) else "exception"
        self.director.end(Ending(how=how, error=type(error).__name__, message=_message(error), site=_site_of(error)))

    def finish(self) -> None:
        """The script is done: what follows is the interpreter's shutdown."""
        self.ledger.rebase("shutdown")
        self.director.end(Ending(how="finished", code=0))

    def blocked(self, path: str, event: str) -> None:
        """Ends the process before a file of the user's is changed. What the script started gets an error."""
        if self.spec["role"] == bystander.ROLE:
            raise PermissionError(
                f"fitdoctor: {path} was there before; pass --allow-writes to let the script change it."
            )
        self.director.end(Ending(how="blocked-write", message=path, error=event, site=call_sites.find()))
        os._exit(BLOCKED)

    def refused(self, program: str) -> None:
        """Ends the process before it starts a program that changes files out of the guard's sight."""
        self._decline(REFUSED.format(program=program))

    def replaced(self, program: str) -> None:
        """Ends the process before it becomes another program, which would run unguarded."""
        self._decline(REPLACED.format(program=program))

    def _decline(self, why: str) -> None:
        if self.spec["role"] == bystander.ROLE:
            raise PermissionError(f"fitdoctor: {why}")
        self.director.end(Ending(how="declined", message=why, site=call_sites.find()))
        sys.stdout.flush()
        os._exit(BLOCKED)


def start(spec: dict[str, Any]) -> Probe:
    """Makes the probe that `spec["role"]` names and puts it in wait for Keras."""
    probe = Probe(spec)
    probe.started()

    main = threading.get_ident()

    def around(name: str, run: Callable[[], None]) -> None:
        if threading.get_ident() != main:
            run()
            return
        pushed = guard.guarded(_charged_to_imports, probe.ledger)
        try:
            run()
        finally:
            if pushed:
                guard.guarded(probe.ledger.pop)

    _follow(probe)
    environment.hold_variables(spec.get("process_changes", ()))
    if spec["role"] == "scout":
        thread_settings.watch_environment()
    hook = ImportHook(around)
    hook.after(
        "tensorflow.python.data.ops.readers", _guarded(probe, lambda module: _record_pipelines(module, spec["role"]))
    )
    redirect = None
    if spec["role"] in TRIED:
        from fitdoctor.probe.files.protection import Protection

        record = probe.scout
        protection = Protection(
            spec,
            redirected=record.redirected,
            limits=record.limits,
            blocked=probe.blocked,
            refused=probe.refused,
            replaced=probe.replaced,
        )
        protection.install(hook)
        redirect = protection.redirect
    hook.after("keras", _guarded(probe, lambda module: _watch(probe, module, redirect)))
    hook.after("tensorflow", _guarded(probe, lambda module: _watch_tensorflow(module, spec.get("process_changes", ()))))
    hook.after(TRACING, _guarded(probe, lambda module: _time_traces(probe, module)))
    hook.after("jax", lambda module: _time_compiles(probe, "watch_jax", module))
    hook.after("torch._dynamo.callback", lambda module: _time_compiles(probe, "watch_torch", module))
    hook.after("tensorflow.python.ops.script_ops", _guarded(probe, lambda module: _time_python(probe, module)))
    hook.after("tf_keras", _guarded(probe, lambda module: _watch(probe, module, redirect)))
    if spec["role"] in ("scout", "watch", "treat"):
        _keep_saved(probe)
    if spec.get("limit_s"):
        _watchdog(probe, spec["limit_s"], spec["hard_limit_s"])
    return probe


def _follow(probe: Probe) -> None:
    """Sees to the processes that the script makes of itself: by exec, by fork, or as programs of their own."""
    spec, tried = probe.spec, probe.spec["role"] in TRIED
    several, kept = None, dict[str, str]()
    if spec["role"] == bystander.ROLE:
        forks.leave(probe, tried=True, fitted=lambda: bystander.note_fit(probe))
    elif tried:
        thread_settings.go_on_from(spec.get("assigned", {}))
        several = functools.partial(_decline_several, probe)
        for name in reexec.PIPES:
            guard.guarded(_close_on_exec, spec.get(name))
        kept = {name: os.environ[name] for name in spec.get("kept_environment", ()) if name in os.environ}
    if tried:
        from fitdoctor.probe.processes.side_effects import Outside

        offline = bool(spec.get("offline")) and not spec.get("network_namespace")
        Outside(probe.notes, began_s=spec["began_s"], offline=offline, several=several).install()
    if spec["role"] == bystander.ROLE:
        return
    forks.Forks(probe, tried=tried).install()
    if "path" in spec:
        kept |= bystander.prepare(spec["path"]) if tried else {}
        reexec.ReExec(probe, tried=tried, decline=functools.partial(_decline, probe), kept=kept).install()


def _close_on_exec(descriptor: Any) -> None:
    """A pipe to our own process is the script's alone, and not that of the programs that it starts."""
    if isinstance(descriptor, int):
        os.set_inheritable(descriptor, False)


def _decline_several(probe: Probe, command: str) -> None:
    """Ends the process before it starts several others to train in, unless it has trained itself by then."""
    if not _learned_something(probe.scout):
        site = call_sites.find()
        place = f" at {os.path.basename(site.file)}:{site.line}" if site else ""
        _decline(probe, commands.SEVERAL.format(command, place))


def _charged_to_imports(ledger: Ledger) -> bool:
    ledger.push("imports")
    return True


def _folder(spec: dict[str, Any]) -> str:
    """Where the user's own modules lie that a script imports by their names; nowhere for code that has no file."""
    if spec["mode"] == "code":
        return ""
    try:
        return os.path.dirname(os.path.realpath(spec["target"])) if spec["mode"] == "script" else os.getcwd()
    except OSError:  # the current directory is gone
        return ""


def _record_pipelines(readers: ModuleType, role: str) -> None:
    from fitdoctor.probe.inputs import tfdata_recipes

    tfdata_recipes.install(sys.modules["tensorflow.python.data.ops.dataset_ops"], readers, replayable=role != "watch")


def _watch_tensorflow(tensorflow: ModuleType, changes: Sequence[dict[str, Any]]) -> None:
    from fitdoctor.probe.backends.tensorflow import watch_eager_switch
    from fitdoctor.probe.trainer import debug_switches

    watch_eager_switch(tensorflow)
    debug_switches.install(tensorflow)
    thread_settings.install(tensorflow)
    environment.hold_calls(tensorflow, changes)


def _time_python(probe: Probe, script_ops: ModuleType) -> None:
    from fitdoctor.probe.instrument import python_ops

    if hasattr(script_ops, "FuncRegistry"):  # another TensorFlow: then nothing is known about Python in steps
        python_ops.install(script_ops, probe.director.python_operation)


def _time_traces(probe: Probe, tracing: ModuleType) -> None:
    from fitdoctor.probe.instrument import tf_tracing

    if hasattr(tracing, "_create_concrete_function"):  # another TensorFlow: then nothing is known about traces
        tf_tracing.install(tracing, probe.director.traced)


def _time_compiles(probe: Probe, how: str, module: ModuleType) -> None:
    from fitdoctor.probe.instrument import compilation

    try:
        getattr(compilation, how)(module, probe.director.compiled_step)
    except Exception:  # another JAX or PyTorch: then nothing is known about what they compile
        pass


def _watch(probe: Probe, keras: ModuleType, redirect: Redirect | None) -> None:
    from fitdoctor.probe import backends
    from fitdoctor.probe.instrument import install, saving

    why = install.declined(keras)
    if (
        why
        and keras.__name__ != backends.LEGACY
        and hasattr(keras, "Model")
        and importlib.util.find_spec(backends.LEGACY)
    ):
        # TensorFlow imports Keras 3 in any case; that the script trains with it is only known once it does.
        install.tell_of_fit(keras, lambda: _decline(probe, why))
        return
    if why:
        _decline(probe, why)
        return
    install.install(keras, probe.director)
    for lack in install.lacking(keras):
        probe.director.missing(lack)
    saving.install(keras)
    if redirect is not None:
        redirect.install(keras)
    probe.director.imported(keras)


def _guarded(probe: Probe, callback: Callable[[ModuleType], None]) -> Callable[[ModuleType], None]:
    """Declines a module that is not what we know, rather than to fail inside the script's own import."""

    def guarded(module: ModuleType) -> None:
        try:
            callback(module)
        except Exception as error:  # whatever a stranger's module makes of our questions
            _decline(probe, _unknown(module, error))

    return guarded


def _unknown(module: ModuleType, error: Exception) -> str:
    version, place = getattr(module, "__version__", "without a version"), getattr(module, "__file__", "nowhere")
    return (
        f"Received {module.__name__} {version} from {place}, whose insides are not those that fitdoctor knows "
        f"({type(error).__name__}: {error}). Expected Keras 3.5 or later on TensorFlow, JAX or PyTorch, or tf_keras, as released. "
        "Check that no file or folder of your own has such a name, or update fitdoctor."
    )


def _decline(probe: Probe, why: str) -> None:
    if probe.spec["role"] not in TRIED:
        probe.director.missing(why)
        return
    if probe.spec["role"] == bystander.ROLE:
        return
    probe.director.end(Ending(how="declined", message=why))
    sys.stdout.flush()
    os._exit(BLOCKED)


def _keep_saved(probe: Probe) -> None:
    """Writes the record now and then from a thread of its own: a slow disk must not stand in the account of the fit."""

    def keep() -> None:
        first_s = time.perf_counter()
        ended_s = began_s = first_s
        while probe.scout.ending.how == "unfinished":
            thread.wait(max(SAVE_EVERY_S, min((ended_s - began_s) / SAVING_SHARE, (ended_s - first_s) * YOUNG)))
            began_s = time.perf_counter()
            guard.guarded(probe.director.save_now)
            ended_s = time.perf_counter()

    thread = HiddenThread(keep)
    thread.start()


def _watchdog(probe: Probe, limit_s: float, hard_limit_s: float) -> None:
    """Ends the child at its limit, or at the hard one where no unit has run by then."""
    main = threading.main_thread().ident
    assert main is not None

    def watch() -> None:
        thread.wait(max(0.1, limit_s))
        if not _learned_something(probe.scout):
            thread.wait(max(0.1, hard_limit_s - limit_s))
        try:
            place = next(
                (call_sites.of_frame(frame) for frame in call_sites.frames(thread_stacks.innermost(main))), None
            )
            probe.director.overdue(place)
        finally:
            os._exit(BLOCKED)

    thread = HiddenThread(watch)
    thread.start()


def _learned_something(scout: ProcessRecord) -> bool:
    return any(fit.first_step.count for fit in scout.fits) or any(loop.run.count for loop in scout.loops)


def _exit_code(given: object) -> int:
    """The exit code of a process that gives this to `sys.exit`:

    Python makes a C long of it, and Linux keeps the lowest byte.
    """
    if given is None:
        return 0
    if not isinstance(given, int):
        return 1
    number = int.__index__(given)  # of a bool and of a member of an IntEnum too
    return number & 0xFF if -(2**63) <= number < 2**63 else 0xFF


def _message(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_MESSAGE]
    except Exception:  # the script's own __str__ may fail, and only the message is lost by that
        return ""


def _site_of(error: BaseException) -> Any:
    trace, place = error.__traceback__, None
    while trace is not None:
        if call_sites.is_users(trace.tb_frame.f_code.co_filename):
            place = call_sites.of_frame(trace.tb_frame)
            place = type(place)(
                file=place.file, line=trace.tb_lineno, function=place.function, code=_line(place.file, trace.tb_lineno)
            )
        trace = trace.tb_next
    return place


def _line(file: str, number: int) -> str:
    import linecache

    return linecache.getline(file, number).strip()
