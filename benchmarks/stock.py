"""Stock Rasa as its documents set it up: an environment of its own on Python 3.10, and an action
server.

`environment()` makes it in .venv-stock (3 GB; only who compares wants it). `python -m
benchmarks.stock PORT` serves our actions over HTTP, as the SDK's own server does, whose gRPC and
tracing we don't install.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from bot.runtime.settings import ROOT

LOCK = Path(__file__).with_name("stock.txt")


class NoStock(RuntimeError):
    """Stock Rasa can't be had here; the message says what is missing."""


def environment():
    """The Python of stock Rasa's environment, which is made where it is missing. Raises NoStock."""
    python, uv = ROOT / ".venv-stock/bin/python", shutil.which("uv") or ROOT / ".tools/bin/uv"
    if (ROOT / ".venv-stock/.installed").exists():
        return python
    print("installing stock Rasa (Python 3.10), about 3 GB", file=sys.stderr, flush=True)
    for command in (
        [uv, "venv", "--quiet", "--allow-existing", "--python", "3.10", ROOT / ".venv-stock"],
        [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, LOCK],
    ):
        environ = {"UV_PYTHON_PREFERENCE": "system", **os.environ}
        if subprocess.run(list(map(str, command)), cwd=ROOT, env=environ).returncode:
            raise NoStock(
                "stock Rasa can't be installed: it wants Python 3.10 and the package index"
            )
    (ROOT / ".venv-stock/.installed").touch()
    return python


def create_app():
    """Our actions behind the address that the SDK's server has."""
    from fastapi import FastAPI, Request
    from rasa_sdk.executor import ActionExecutor

    app, executor = FastAPI(telemetry={"auto_configure": False}), ActionExecutor()
    executor.register_package("actions")

    @app.post("/webhook")
    async def run(request: Request):
        return (await executor.run(await request.json())).model_dump()

    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
