"""The action server: `python -m actions PORT`, on loopback, for who knows INTERNAL_SECRET. Ends with its standard input.

The SDK's executor runs the actions; its own server has no authentication and takes compressed bodies of any size.
"""

import asyncio
import hmac
import logging
import os
import sys

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from rasa_sdk.executor import ActionExecutor

import actions
from bot import logs, parent, settings

logger = logging.getLogger("actions")


def create_app(secret):
    app = FastAPI(openapi_url=None, telemetry={"auto_configure": False})  # it would send exceptions with their messages
    executor = ActionExecutor()
    executor.register_package("actions")

    @app.post("/")
    async def run(request: Request):
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {secret}".encode()):
            return JSONResponse({"error": "forbidden"}, 403)
        if request.headers.get("content-encoding"):
            return JSONResponse({"error": "compressed calls are not taken"}, 415)
        call = await request.json()
        metadata = call["tracker"]["latest_message"]["metadata"] or {}
        logs.begin_turn(metadata)
        logger.info("%s", call["next_action"])
        if "release" in metadata:
            await asyncio.to_thread(actions.read_content, metadata["release"])  # the first time takes a second; others are answered meanwhile
        return JSONResponse((await executor.run(call)).model_dump())

    return app


if __name__ == "__main__":
    config = settings.read()
    logs.configure(config.log_level, config.log_format, "actions")
    parent.end_with_parent()
    uvicorn.run(create_app(os.environ["INTERNAL_SECRET"]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None,
                timeout_keep_alive=75)  # longer than Rasa keeps an idle one (15 s): who sends as we close loses the message
