"""What is registered to run at the end runs in its order, with the model still there."""

import atexit
import sys
import threading
import weakref

from small import model, say, weights, x, y

made = model()
atexit.register(lambda: print("first registered", weights(made)))
say(made, made.fit(x, y, epochs=2, verbose=0))
atexit.register(print, "registered after fit", flush=True)
weakref.finalize(made, print, "finalized")
threading._register_atexit(print, "threads are done") if hasattr(threading, "_register_atexit") else None


class Says:
    def __del__(self):
        sys.stdout.write("deleted\n")


kept = Says()
kept.itself = None
print("end of the script")
