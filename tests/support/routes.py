"""The routes of a FastAPI application, those of its routers among them."""

from collections.abc import Iterable, Iterator

from starlette.routing import Route


def list_routes(routes: Iterable[object]) -> Iterator[Route]:
    """Every route, wherever it lies; without what is mounted."""
    for route in routes:
        if isinstance(route, Route):
            yield route
        elif inner := getattr(getattr(route, "original_router", None), "routes", None):
            yield from list_routes(inner)
