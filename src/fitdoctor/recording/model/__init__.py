"""What the processes of a diagnosis measure, as plain data: the format of `run.json`.

The probe fills these classes in the user's process, where only the standard library may be imported. They are
dataclasses for that reason. In our own process `recording.load` validates them with msgspec. All durations are seconds
of wall time on the main thread.
"""

from __future__ import annotations

from fitdoctor.recording.model.fit import CallbackRecord, DebugSwitch, Fit, MetricRecord, PythonOperation
from fitdoctor.recording.model.input import ColumnStatistics, InputArray, Operation
from fitdoctor.recording.model.learning import (
    EpochRow,
    GradientStatistics,
    LayerStatistics,
    ModelInspection,
    SampledWeights,
    StepBlock,
    WeightReading,
)
from fitdoctor.recording.model.process import (
    CallSiteRecord,
    Ending,
    OtherProcess,
    ProcessRecord,
    SideEffect,
    ThreadSetting,
    Traced,
)
from fitdoctor.recording.model.run import Run, Stage, Treated
from fitdoctor.recording.model.site import Duration, HotLine, Site
from fitdoctor.recording.model.system import Gpu, Level, Series, Span, System
from fitdoctor.recording.model.trial import Arm, Lap, ProcessRun, Race, RaceRun, Rehearsal, Window
from fitdoctor.recording.model.version import VERSION

__all__ = [
    "VERSION",
    "Arm",
    "CallSiteRecord",
    "CallbackRecord",
    "ColumnStatistics",
    "DebugSwitch",
    "Duration",
    "Ending",
    "EpochRow",
    "Fit",
    "Gpu",
    "GradientStatistics",
    "HotLine",
    "InputArray",
    "Lap",
    "LayerStatistics",
    "Level",
    "MetricRecord",
    "ModelInspection",
    "Operation",
    "OtherProcess",
    "ProcessRecord",
    "ProcessRun",
    "PythonOperation",
    "Race",
    "RaceRun",
    "Rehearsal",
    "Run",
    "SampledWeights",
    "Series",
    "SideEffect",
    "Site",
    "Span",
    "Stage",
    "StepBlock",
    "System",
    "ThreadSetting",
    "Traced",
    "Treated",
    "WeightReading",
    "Window",
]
