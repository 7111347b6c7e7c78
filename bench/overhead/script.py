"""Trains for some seconds, as FITDOCTOR_BENCH says.

It prints the time of a step after the first epoch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.overhead.models import data, keras_of, model

given = json.loads(os.environ["FITDOCTOR_BENCH"])
x, y = data(given["batch"], given["steps"])
made = model(keras_of(given["backend"]), given["width"], lambda _: None)
made.fit(x, y, batch_size=given["batch"], epochs=1, shuffle=False, verbose=2)
began_s = time.perf_counter()
made.fit(x, y, batch_size=given["batch"], epochs=given["epochs"] - 1, shuffle=False, verbose=2)
print(json.dumps({"step_s": (time.perf_counter() - began_s) / given["steps"] / (given["epochs"] - 1)}))
