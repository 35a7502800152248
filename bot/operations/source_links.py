"""Links: whether the address of each source still leads to its page.

Each address is asked once, at each host one at a time and no faster than every PAUSE seconds, by
HEAD, and by GET where that gives no page; no body is read. What can't be asked (no network, a host
that refuses programs) is no fault of an article."""

import asyncio
import dataclasses
import datetime
import ipaddress
import json
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bot.content import articles
from bot.runtime.settings import Settings

PAUSE = 1.0  # seconds between two questions to a host
PATIENCE = 10.0  # seconds for one step of a question, and twice that for all of it
AT_ONCE = 8  # hosts
MOST_REDIRECTS = 10
NAME = "Pamphlet link check"  # how it names itself to the servers
KEPT = "links.json"  # in VAR: what the last round found
GONE = (404, 410)
type Progress = Callable[[str, float], object]  # an address, and the share that was asked


class State(StrEnum):
    """What an address leads to."""

    FINE = "fine"
    MOVED = "moved"  # to another page
    FRONT_PAGE = "front page"
    GONE = "gone"
    NOT_ASKED = "not asked"


FOUND = (State.MOVED, State.FRONT_PAGE, State.GONE)


@dataclass(frozen=True)
class Place:
    """Where an address stands: `path:line`, and the number of the source (None: further
    reading)."""

    article: str
    path: str
    line: int
    n: int | None


@dataclass(frozen=True)
class Link:
    """An address, what it leads to, and what that means, as a sentence; `to`: where it led."""

    url: str
    places: tuple[Place, ...]
    state: State = State.NOT_ASKED
    said: str = ""
    to: str = ""


class _Circle(Exception):
    """Redirects that come to no end."""


class _Inside(Exception):
    """An address in the network that this machine stands in."""


def list_links(folder: str | Path) -> list[Link]:
    """The Links of a content folder's articles that can be read, none of them asked yet."""
    places: dict[str, list[Place]] = {}
    for article in articles.read_articles(folder)[0]:
        with open(article.path, encoding="utf-8") as file:
            front = articles.split_front_matter(file.read())[0]
        lines = articles.read_yaml(front or "", article.path, first_line=2)[1]
        for source in article.sources:
            place = Place(article.id, article.path, lines[("sources", source.n)], source.n)
            places.setdefault(source.url, []).append(place)
        for i, source in enumerate(article.further_reading):
            place = Place(article.id, article.path, lines[("further_reading", i)], None)
            places.setdefault(source.url, []).append(place)
    return [Link(url, tuple(where)) for url, where in places.items()]


def ask_links(
    links: Sequence[Link], progress: Progress = lambda url, done: None, about: str = ""
) -> list[Link]:
    """The Links, asked, in their order; `about`: an address that tells the servers more of us;
    `progress(url, share)` is called after each."""
    return asyncio.run(_ask_all(links, progress, about))


def keep_links(config: Settings, links: Sequence[Link]) -> None:
    """Keep what a round found, for the desk."""
    folder = config.path("var")
    folder.mkdir(parents=True, exist_ok=True)
    articles.save_text(folder / KEPT, as_json(links))


def read_kept_links(config: Settings) -> tuple[datetime.date | None, list[Link]]:
    """(the day of the last round, the Links in which something was found); (None, []) before the
    first."""
    try:
        data = json.loads((config.path("var") / KEPT).read_text(encoding="utf-8"))
        found = [
            Link(
                each["url"],
                tuple(Place(**place) for place in each["places"]),
                State(each["state"]),
                each["said"],
                each["to"],
            )
            for each in data["found"]
        ]
        return datetime.date.fromisoformat(data["on"]), found
    except (OSError, ValueError, KeyError, TypeError):
        return None, []


def as_json(links: Sequence[Link]) -> str:
    """What a round found, and what could not be asked, as JSON."""
    data = {
        "on": str(datetime.datetime.now(datetime.UTC).date()),
        "asked": sum(link.state != State.NOT_ASKED for link in links),
        "found": [dataclasses.asdict(link) for link in links if link.state in FOUND],
        "not_asked": [dataclasses.asdict(link) for link in links if link.state == State.NOT_ASKED],
    }
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


async def _ask_all(links: Sequence[Link], progress: Progress, about: str) -> list[Link]:
    hosts: dict[str, list[Link]] = {}
    asked: dict[str, Link] = {}
    for link in links:
        hosts.setdefault(urlsplit(link.url).netloc, []).append(link)
    room = asyncio.Semaphore(AT_ONCE)

    async def ask_host(client: httpx.AsyncClient, mine: list[Link]) -> None:
        async with room:
            is_reached = True
            for n, link in enumerate(mine):
                if n and is_reached:
                    await asyncio.sleep(PAUSE)
                if is_reached:
                    asked[link.url], is_reached = await _ask(client, link)
                else:
                    said = "its host could not be reached"
                    asked[link.url] = dataclasses.replace(link, said=said)
                progress(link.url, len(asked) / len(links))

    name = f"{NAME} (+{about})" if about else NAME
    async with httpx.AsyncClient(headers={"User-Agent": name}, timeout=PATIENCE) as client:
        await asyncio.gather(*(ask_host(client, mine) for mine in hosts.values()))
    return [asked[link.url] for link in links]


async def _ask(client: httpx.AsyncClient, link: Link) -> tuple[Link, bool]:
    """(the Link, asked; whether its host was reached at all)."""
    said = ""
    for method in ("HEAD", "GET"):
        try:
            async with asyncio.timeout(2 * PATIENCE):
                status, to = await _follow(client, method, link.url)
        except _Circle:
            said = "its redirects come to no end; give the address of the page itself"
            return dataclasses.replace(link, state=State.GONE, said=said), True
        except _Inside:
            said = "it leads into this machine's own network, where nothing is asked"
            return dataclasses.replace(link, said=said), True
        except httpx.ConnectError as error:
            return dataclasses.replace(link, said=f"its host could not be reached ({error})"), False
        except (TimeoutError, httpx.TimeoutException):
            said = f"it gave no answer in {2 * PATIENCE:.0f} s"
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            said = f"it could not be asked ({error or type(error).__name__})"
        else:
            state, said = _judge(link.url, status, to)
            link = dataclasses.replace(link, state=state, to=to)
            if status < 400:
                break
    return dataclasses.replace(link, said=said), True


async def _follow(client: httpx.AsyncClient, method: str, url: str) -> tuple[int, str]:
    """(the last status, the last address) of an address and where it redirects to."""
    seen = {url}
    while True:
        if await asyncio.to_thread(_is_inside, url):
            raise _Inside
        try:
            async with client.stream(method, url) as answer:  # closed with its body unread
                status, to = answer.status_code, answer.headers.get("location")
        except httpx.ConnectError:
            if len(seen) == 1:
                raise
            raise OSError(f"it leads to {url}, which could not be reached") from None
        if not (300 <= status < 400 and to):
            return status, url
        url = str(httpx.URL(url).join(to))
        if url in seen or len(seen) > MOST_REDIRECTS:
            raise _Circle
        seen.add(url)


def _is_inside(url: str) -> bool:
    """Whether an address leads to this machine, or a network that the world can't reach."""
    try:
        found = socket.getaddrinfo(urlsplit(url).hostname, None)
    except OSError:
        return False  # it can't be asked either
    return any(
        not ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_global for each in found
    )


def _judge(url: str, status: int, to: str) -> tuple[State, str]:
    """(State, sentence) of an address that answered `status` at last, at the address `to`."""
    if status in GONE:
        return State.GONE, f"its page is gone ({status}); cite another, or find where it went"
    if status >= 400:
        return State.NOT_ASKED, f"its server answers {status}; look at it in a browser"
    if _is_front(to) and not _is_front(url):
        return State.FRONT_PAGE, f"leads to the front page {to}; find where its page went"
    if _bare(to) != _bare(url):
        return State.MOVED, f"moved to {to}; read that page, and give its address"
    return State.FINE, ""


def _is_front(url: str) -> bool:
    """Whether an address is that of a site, and of no page in it."""
    parts = urlsplit(url)
    names = {"", "index.html", "index.htm", "index.php", "home", "en", "en-us", "en-gb"}
    return not parts.query and set(parts.path.lower().split("/")) <= names


def _bare(url: str) -> str:
    """An address without what makes no other page of it."""
    parts = urlsplit(url)
    return parts._replace(fragment="", path=parts.path.rstrip("/")).geturl()
