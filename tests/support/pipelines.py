"""Small finite tf.data pipelines as people write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Make = Callable[[Any], Any]

X = np.arange(46, dtype=np.float32).reshape(23, 2)
Y = np.arange(23, dtype=np.int64)


def slices(tf: Any) -> Any:
    return tf.data.Dataset.from_tensor_slices((X, Y))


def double(x: Any, y: Any) -> Any:
    return x * 2, y


def count(limit: int = 17) -> Any:
    def generate() -> Any:
        yield from ((np.float32([i, i]), i) for i in range(limit))

    return generate


def signature(tf: Any) -> Any:
    return tf.TensorSpec((2,), tf.float32), tf.TensorSpec((), tf.int64)


def lines(tf: Any) -> Any:
    return tf.data.TextLineDataset([__file__, str(Path(__file__).with_name("treated_script.py"))])


CHAINS: dict[str, Make] = {
    "batch": lambda tf: slices(tf).batch(4),
    "batch, whole ones": lambda tf: slices(tf).batch(4, drop_remainder=True),
    "batch, by keyword": lambda tf: slices(tf).batch(batch_size=5, num_parallel_calls=2),
    "tensors": lambda tf: tf.data.Dataset.from_tensors((X, Y)),
    "dict": lambda tf: (
        tf.data.Dataset.from_tensor_slices(({"a": X, "b": -X}, Y)).map(lambda x, y: ({**x, "c": x["a"]}, y)).batch(4)
    ),
    "range": lambda tf: tf.data.Dataset.range(3, 50, 2).map(lambda i: (i, i * i)).batch(7),
    "zip": lambda tf: tf.data.Dataset.zip((slices(tf).map(double), tf.data.Dataset.range(23))).batch(4),
    "zip, by keyword": lambda tf: tf.data.Dataset.zip(
        datasets=(tf.data.Dataset.range(9), tf.data.Dataset.range(9))
    ).batch(4),
    "zip, without a tuple": lambda tf: tf.data.Dataset.zip(
        tf.data.Dataset.range(9).skip(1), tf.data.Dataset.range(99)
    ).batch(2),
    "zip of a dict": lambda tf: tf.data.Dataset.zip({"a": slices(tf).batch(4), "b": tf.data.Dataset.range(6)}),
    "zip of zips": lambda tf: tf.data.Dataset.zip(
        (tf.data.Dataset.zip((slices(tf), slices(tf))), tf.data.Dataset.range(5))
    ),
    "zip, then cache": lambda tf: (
        tf.data.Dataset.zip((slices(tf), tf.data.Dataset.range(23).map(lambda i: -i))).cache().batch(4)
    ),
    "concatenate": lambda tf: slices(tf).take(5).concatenate(slices(tf).skip(20)).batch(3),
    "cache": lambda tf: slices(tf).map(double).cache().batch(4),
    "take and skip": lambda tf: slices(tf).skip(2).take(11).batch(3),
    "take batches": lambda tf: slices(tf).batch(3).take(4),
    "shuffle, by position": lambda tf: slices(tf).shuffle(100, 7).batch(4),
    "shuffle, by keyword": lambda tf: (
        slices(tf).shuffle(buffer_size=8, seed=3, reshuffle_each_iteration=False).map(double).batch(4)
    ),
    "shuffle twice": lambda tf: slices(tf).shuffle(50, seed=1).batch(3).shuffle(4, seed=2),
    "repeat": lambda tf: slices(tf).repeat(2).batch(4),
    "repeat batches": lambda tf: slices(tf).batch(4).repeat(count=2).prefetch(1),
    "map, by position": lambda tf: slices(tf).map(double, tf.data.AUTOTUNE).batch(4).prefetch(tf.data.AUTOTUNE),
    "map, all by position": lambda tf: slices(tf).map(double, tf.data.AUTOTUNE, True).batch(4).prefetch(3),
    "map, by keyword": lambda tf: (
        slices(tf).map(map_func=double, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True).batch(4)
    ),
    "map in Python": lambda tf: (
        slices(tf).map(lambda x, y: (tf.numpy_function(lambda v: v + 1, [x], tf.float32), y)).batch(4)
    ),
    "map of batches": lambda tf: slices(tf).batch(4).map(lambda x, y: (tf.reverse(x, [0]), y), num_parallel_calls=2),
    "interleave": lambda tf: (
        tf.data.Dataset.range(4)
        .interleave(
            lambda i: tf.data.Dataset.range(i * 10, i * 10 + 5),
            cycle_length=2,
            block_length=2,
            num_parallel_calls=tf.data.AUTOTUNE,
        )
        .batch(3)
    ),
    "interleave, by position": lambda tf: tf.data.Dataset.range(4).interleave(
        lambda i: tf.data.Dataset.range(i * 10, i * 10 + 5), 2, 1, tf.data.AUTOTUNE
    ),
    "flat_map": lambda tf: tf.data.Dataset.range(5).flat_map(lambda i: tf.data.Dataset.range(2 * i)).batch(4),
    "filter": lambda tf: slices(tf).filter(lambda x, y: y % 3 == 0).batch(2),
    "padded_batch": lambda tf: tf.data.Dataset.range(1, 8).map(tf.range).padded_batch(3),
    "padded_batch, by shape": lambda tf: (
        tf.data.Dataset.range(1, 8)
        .map(tf.range)
        .padded_batch(3, padded_shapes=[9], padding_values=tf.constant(-1, tf.int64))
    ),
    "ragged_batch": lambda tf: tf.data.Dataset.range(1, 8).map(tf.range).ragged_batch(3).map(lambda r: r.to_tensor()),
    "window": lambda tf: (
        tf.data.Dataset.range(12).window(4, shift=2, drop_remainder=True).flat_map(lambda w: w.batch(4))
    ),
    "enumerate": lambda tf: slices(tf).enumerate(start=3).map(lambda i, pair: (pair[0], i)).batch(4),
    "unbatch": lambda tf: slices(tf).batch(5).unbatch().batch(4),
    "rebatch": lambda tf: slices(tf).batch(6).rebatch(4),
    "shard": lambda tf: slices(tf).shard(3, 1).batch(2),
    "scan": lambda tf: (
        tf.data.Dataset.range(9).scan(tf.constant(0, tf.int64), lambda state, i: (state + i, state)).batch(2)
    ),
    "take_while": lambda tf: tf.data.Dataset.range(90).take_while(lambda i: i < 13).batch(4),
    "unique": lambda tf: tf.data.Dataset.from_tensor_slices([1, 2, 1, 3, 2]).unique().batch(2),
    "options": lambda tf: slices(tf).with_options(tf.data.Options()).batch(4),
    "apply": lambda tf: slices(tf).apply(lambda data: data.map(double).batch(4)),
    "buckets": lambda tf: (
        tf.data.Dataset.range(1, 13)
        .map(tf.range)
        .bucket_by_sequence_length(lambda row: tf.shape(row)[0], [5, 9], [2, 2, 2])
    ),
    "samples": lambda tf: tf.data.Dataset.sample_from_datasets(
        [tf.data.Dataset.range(10), tf.data.Dataset.range(100, 110)], [0.5, 0.5], seed=4
    ).batch(3),
    "generator": lambda tf: (
        tf.data.Dataset.from_generator(count(), output_signature=signature(tf)).batch(4).prefetch(2)
    ),
    "generator, with arguments": lambda tf: tf.data.Dataset.from_generator(
        lambda n: ((np.float32([i, i]), i) for i in range(n)), args=(6,), output_signature=signature(tf)
    ).batch(4),
    "text lines": lambda tf: lines(tf).filter(lambda line: tf.strings.length(line) > 0).batch(8),
    "files": lambda tf: tf.data.Dataset.list_files(str(Path(__file__).parent / "*.py"), shuffle=False).map(
        tf.io.read_file
    ),
}

SHUFFLED = ("shuffle", "samples")


def shuffled(name: str) -> bool:
    return name.startswith(SHUFFLED)
