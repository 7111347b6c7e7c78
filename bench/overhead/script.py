"""A training of some seconds, as a script. FITDOCTOR_BENCH says what it trains.

It prints how long a step took after the first epoch.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.overhead.models import data, keras_of, model

told = json.loads(os.environ["FITDOCTOR_BENCH"])
x, y = data(told["batch"], told["steps"])
made = model(keras_of(told["backend"]), told["width"], lambda _: None)
made.fit(x, y, batch_size=told["batch"], epochs=1, shuffle=False, verbose=2)
began_s = time.perf_counter()
made.fit(x, y, batch_size=told["batch"], epochs=told["epochs"] - 1, shuffle=False, verbose=2)
print(json.dumps({"step_s": (time.perf_counter() - began_s) / told["steps"] / (told["epochs"] - 1)}))
