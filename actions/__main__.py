"""The action server: `python -m actions PORT`, on loopback, for who knows INTERNAL_SECRET. Ends with its standard input.

The SDK's executor runs the actions; its own server has no authentication and takes compressed bodies of any size.
"""

import hmac
import os
import sys
import threading

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from rasa_sdk.executor import ActionExecutor

from bot import logs, settings


def create_app(secret):
    app = FastAPI(openapi_url=None)
    executor = ActionExecutor()
    executor.register_package("actions")

    @app.post("/")
    async def run(request: Request):
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {secret}".encode()):
            return JSONResponse({"error": "forbidden"}, 403)
        if request.headers.get("content-encoding"):
            return JSONResponse({"error": "compressed calls are not taken"}, 415)
        return JSONResponse((await executor.run(await request.json())).model_dump())

    return app


def end_with_parent():
    """Wait for the end of standard input, a pipe from the gateway: it comes even when that was killed."""
    while os.read(0, 1):
        pass
    os._exit(0)


if __name__ == "__main__":
    logs.configure(settings.read().log_level)
    threading.Thread(target=end_with_parent, daemon=True).start()
    uvicorn.run(create_app(os.environ["INTERNAL_SECRET"]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None)
