"""Actions in Rasa's own process, through the SDK's executor: no server, no connection, the same
calls and results."""

import asyncio
import json
import logging
from typing import Any

from rasa.utils.endpoints import ClientResponseError, EndpointConfig

logger = logging.getLogger(__name__)
MOST_SECONDS = 3.0  # that an action may take: the gateway waits 4 s for the whole turn


class LocalActions(EndpointConfig):
    """An action endpoint that runs the actions of a package here.

    An action gets a copy of the call as JSON would carry it, so that it can change nothing of
    Rasa's. One that raises, or waits for something longer than MOST_SECONDS, ends its own turn as a
    failing server would: with a ClientResponseError. (One that computes without end holds Rasa up,
    which the gateway then ends and starts anew.)"""

    def __init__(self, package: str) -> None:
        super().__init__(url=f"local:{package}")
        from rasa_sdk.executor import ActionExecutor

        self.package = package
        self.executor = ActionExecutor()
        self.executor.register_package(package)

    async def request(
        self,
        method: str = "post",
        subpath: str | None = None,
        content_type: str | None = "application/json",
        compress: bool = False,
        **options: Any,
    ) -> Any:
        from rasa_sdk.interfaces import ActionExecutionRejection as Rejected

        call = json.loads(json.dumps(options["json"]))
        try:
            async with asyncio.timeout(MOST_SECONDS):
                result = await self.executor.run(call)
        except Rejected as error:
            raise ClientResponseError(
                400, "rejected", json.dumps({"error": str(error), "action_name": error.action_name})
            ) from error
        except Exception as error:
            logger.exception("the action %s failed", call["next_action"])
            # RasaException, so the turn ends
            raise ClientResponseError(500, type(error).__name__, "") from error
        return json.loads(result.model_dump_json()) if result else None
