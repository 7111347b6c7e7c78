"""Texts that reveal nothing about a user: literals of fitdoctor's own source, and public names of frameworks.

A bundle keeps only such texts. No list of words has to be maintained: each text that a cause, a remedy or the probe may
write into a recording, or search for in one, is a literal in the source.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import fitdoctor

LEFT_OUT = "…"

# A sentence is kept if at least this many of its characters are ours. Otherwise the match may be punctuation only.
LEAST_SAID = 8

KERAS_NAMES = frozenset(
    """
    BackupAndRestore Callback CallbackList CSVLogger EarlyStopping History LambdaCallback LearningRateScheduler
    ModelCheckpoint
    ProgbarLogger ReduceLROnPlateau RemoteMonitor SwapEMAWeights TensorBoard TerminateOnNaN
    Adadelta Adafactor Adagrad Adam Adamax AdamW Ftrl Lamb Lion LossScaleOptimizer Muon Nadam RMSprop SGD
    GRU LSTM RNN Bidirectional TimeDistributed
    """.split()  # noqa: SIM905 - a list of words is read and edited more easily so
)

KERAS_ARGUMENTS = frozenset(
    """
    baseline batch_size callbacks class_weight cooldown embeddings_freq epochs factor histogram_freq initial_epoch
    jit_compile loss
    max_queue_size metrics min_delta min_lr mode monitor optimizer patience profile_batch restore_best_weights
    run_eagerly
    sample_weight save_best_only save_freq save_weights_only shuffle start_from_epoch steps_per_epoch
    steps_per_execution
    update_freq use_multiprocessing validation_batch_size validation_data validation_freq validation_split
    validation_steps
    verbose weighted_metrics workers write_graph write_images write_steps_per_second
    accuracy mae mse val_accuracy val_loss val_mae val_mse auto min max
    """.split()  # noqa: SIM905 - a list of words is read and edited more easily so
)

TF_DATA_NAMES = frozenset(
    """
    apply apply_options as_numpy_iterator batch bucket_by_sequence_length cache cardinality choose_from_datasets
    concatenate
    dense_to_ragged_batch enumerate filter fingerprint flat_map from_generator from_tensor_slices from_tensors
    get_single_element
    group_by_window ignore_errors interleave list_files load map map_and_batch padded_batch parallel_interleave
    prefetch
    ragged_batch random range rebatch reduce rejection_resample repeat sample_from_datasets save scan shard shuffle
    shuffle_and_repeat skip snapshot sparse_batch take take_while unbatch unique window with_options zip
    FixedLengthRecordDataset TextLineDataset TFRecordDataset CsvDataset SqlDataset make_csv_dataset AUTOTUNE
    """.split()  # noqa: SIM905 - a list of words is read and edited more easily so
)

# Libraries that hold data, their containers, and the types of elements.
PACKAGES = frozenset(
    """
    builtins callbacks collections h5py jax keras keras_tuner mlflow numpy pandas polars pyarrow scipy src
    tensorflow tf tf_keras torch wandb zarr
    array ndarray memmap matrix list tuple dict DataFrame Series Dataset Tensor EagerTensor RaggedTensor
    SparseTensor Table
    bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128
    object string
    """.split()  # noqa: SIM905 - a list of words is read and edited more easily so
)

PUBLIC_NAMES = KERAS_NAMES | KERAS_ARGUMENTS | TF_DATA_NAMES | PACKAGES

# The fixed parts of a sentence. Other text is filled in between.
Template = tuple[str, ...]


def is_own(text: str) -> bool:
    """Whether a text is a literal in fitdoctor's source or a public name of a framework.

    Example:
        >>> is_own("on_epoch_end"), is_own("decode_patient")
        (True, False)
    """
    return text in PUBLIC_NAMES or text in _literals()


def as_said(sentence: str) -> str:
    """Keeps the words of a sentence that come from fitdoctor's source, and replaces the others by "…".

    Example:
        >>> as_said("No trials at train.py:47: disk full")
        'No trials at …: …'
    """
    if is_own(sentence):
        return sentence
    fitting = (template for template in _templates() if _fits(template, sentence))
    best = max(fitting, key=_length, default=())
    return LEFT_OUT.join(best) if _length(best) >= LEAST_SAID else LEFT_OUT


def _length(template: Template) -> int:
    return sum(map(len, template))


def _fits(template: Template, sentence: str) -> bool:
    first, *middle, last = template
    if len(sentence) < _length(template) or not sentence.startswith(first) or not sentence.endswith(last):
        return False
    at, end = len(first), len(sentence) - len(last)
    for part in middle:
        at = sentence.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True


@cache
def _literals() -> frozenset[str]:
    """All literals of the source, and the field names of its dataclasses, which are keys in JSON."""
    texts = {node.value for node in _nodes() if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return frozenset(
        texts
        | {node.target.id for node in _nodes() if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)}
    )


@cache
def _templates() -> tuple[Template, ...]:
    found: set[Template] = set()
    for node in _nodes():
        if isinstance(node, ast.JoinedStr):
            found.add(_parts(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.search(r"\{\w*\}", node.value):
            found.add(tuple(re.split(r"\{\w*\}", node.value)))
    return tuple(sorted(template for template in found if len(template) > 1))


def _parts(node: ast.JoinedStr) -> Template:
    parts = [""]
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts[-1] += str(value.value)
        else:
            parts.append("")
    return tuple(parts)


@cache
def _nodes() -> tuple[ast.AST, ...]:
    return tuple(_walk(Path(fitdoctor.__file__).parent))


def _walk(folder: Path) -> Iterator[ast.AST]:
    for path in sorted(folder.rglob("*.py")):
        try:
            yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        except (OSError, SyntaxError):
            continue
