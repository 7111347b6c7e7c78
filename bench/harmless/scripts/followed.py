"""MLflow autolog: it wraps fit, adds a callback, and writes what it learned to files."""

import os
from pathlib import Path

os.environ["MLFLOW_TRACKING_URI"] = "file:" + str(Path("runs").absolute())
os.environ["MLFLOW_ENABLE_ASYNC_LOGGING"] = "false"
os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
import mlflow
from small import keras, model, say, x, y

mlflow.keras.autolog(log_models=False) if hasattr(mlflow.keras, "autolog") else mlflow.tensorflow.autolog(
    log_models=False
)
with mlflow.start_run() as run:
    made = model()
    history = made.fit(x, y, epochs=2, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss")])
say(made, history)
logged = mlflow.get_run(run.info.run_id).data
print(sorted(logged.metrics.items()), sorted(logged.params.items()))
