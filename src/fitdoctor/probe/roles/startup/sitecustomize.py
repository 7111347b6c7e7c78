"""Starts the probe of a Python program that a diagnosed script starts, then runs the user's own `sitecustomize`.

Any Python may import this file, however old. So it uses no new syntax, and a failure here is ignored.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def _begin():
    import importlib.util

    package = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
    if "fitdoctor" not in sys.modules:
        found = importlib.util.spec_from_file_location(
            "fitdoctor", os.path.join(package, "__init__.py"), submodule_search_locations=[package]
        )
        module = importlib.util.module_from_spec(found)
        sys.modules["fitdoctor"] = module
        found.loader.exec_module(module)
    from fitdoctor.probe.roles import bystander

    bystander.begin()


def _run_the_users_own():
    import importlib.machinery
    import importlib.util

    found = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if found is None or found.loader is None:
        return
    module = importlib.util.module_from_spec(found)
    sys.modules["sitecustomize"] = module
    found.loader.exec_module(module)


sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != HERE]
if sys.version_info >= (3, 10):  # noqa: UP036 - any Python may come here
    try:
        _begin()
    except Exception:
        pass
if sys.version_info >= (3, 5):  # noqa: UP036
    _run_the_users_own()
