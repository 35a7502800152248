"""Where a person is met on the web, in a visitor's text: e-mail addresses, links with a name or to
a private page, and handles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.privacy import person_names

# --- e-mail: also "sarah dot jones at example dot com", "tony [at] example.com"

LOCAL = re.compile(r"[\w.+'%-]")
DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
LONGEST_LOCAL = 64
QUOTED = re.compile(r'"[^"\s@]{1,40}"$')
PROVIDER = re.compile(
    r"(?:gmail|googlemail|hotmail|outlook|yahoo|icloud|proton(?:mail)?|aol)\b", re.I
)
ENDING = (
    r"(?:com|org|net|info|edu|gov|example|test|email|me|io|eu|uk|ie|us|ca|au|nz|in|ng|za|ke|gh|de"
    r"|at|ch"
    r"|pl|fr|es|it|nl|be|se|no|dk|fi|pt|br|mx|ru|ua|cz|ro|hu|gr|tr|jp|cn|sg|my|pk|lk|ae|il)"
)
AT = r"(?:\s?[\[({]\s?(?:at|a|@)\s?[\])}]\s?|@)"
DOT = r"(?:\.|\s\.\s|\s?[\[({]\s?(?:dot|punkt|\.)\s?[\])}]\s?|\s(?:dot|punkt)\s)"
AT_PROVIDER = re.compile(
    r"(?<![\w.+-])[\w.+-]{2,40} at (?:gmail|googlemail|hotmail|outlook|yahoo|icloud"
    r"|proton(?:mail)?|aol|live|gmx|web)"
    r"(?:\.| dot )[a-z]{2,4}(?:(?:\.| dot )[a-z]{2})?\b"
    r"|(?<![\w.+-])\w{1,30}[._+\d][\w.+-]{0,30} at [\w-]{2,30}\.(?:com|org|net|co\.uk|ie|de|pl|ca"
    r"|ng|in|co\.za|edu)\b",
    re.I,
)
WORDED = re.compile(r"[\[({]\s?(?:at|a|@|dot)\s?[\])}]|\sdot\s|\s?@\s|@\s?|\s\.\s", re.I)
NAME = r"(?<![\w.+-])[\w.+-]{1,40}(?:\s(?:dot|underscore|dash|hyphen|minus|plus)\s[\w-]{1,30}){0,4}"
SPELLED = re.compile(
    rf"{NAME}(?:{AT}|\sat\s(?=[\w-]{{1,40}}(?:\s(?:dash|hyphen)\s[\w-]{{1,30}})?\s(?:dot|punkt)\s))"
    rf"[\w-]{{1,40}}(?:\s(?:dash|hyphen)\s[\w-]{{1,30}})?(?:{DOT}[\w-]{{1,30}}){{0,3}}"
    rf"{DOT}{ENDING}\b(?:{DOT}{ENDING}\b)?",
    re.I,
)
SPACED = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,40}\s?@\s?[\w-]{1,40}(?:\s?\.\s?[\w-]{2,30}){0,2}\s?\.\s?(?:com|org"
    r"|net|co\.?uk|edu|gov"
    r"|de|fr|pl|ie|example)\b",
    re.I,
)


def find_emails(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each e-mail address."""
    place = text.find("@")
    while place >= 0:
        if span := _read_email(text, place):
            yield span
        place = text.find("@", place + 1)
    if " at " in text.lower():
        yield from (match.span() for match in AT_PROVIDER.finditer(text))
    if WORDED.search(text):
        for pattern in (SPELLED, SPACED):
            yield from (match.span() for match in pattern.finditer(text))


def _read_email(text: str, at: int) -> tuple[int, int] | None:
    """The address around this "@", if it is one's."""
    start = at
    while start > max(0, at - LONGEST_LOCAL) and LOCAL.match(text[start - 1]):
        start -= 1
    if quoted := QUOTED.search(text, max(0, at - LONGEST_LOCAL), at):
        start = quoted.start()
    while start < at and text[start] in "'.":
        start += 1
    domain = DOMAIN.match(text, at + 1) or PROVIDER.match(text, at + 1)
    if start == at or not domain:
        return None
    return start, domain.end()


# --- links: the page of a person, not one of everybody's

LINK = re.compile(
    r"(?<![\w@.])(?:(?:https?|ftp)://|www\.)[^\s<>\"]{3,300}"
    r"|(?<![\w@.-])[a-z\d][\w-]{0,60}(?:\.[a-z\d][\w-]{0,60}){0,4}"
    r"\.(?:com|org|net|co|io|me|app|example|test|info|tv|gg|ly|be|uk|ie|us|ca|au|nz|in|ng|za|de|pl"
    r"|fr|eu|social)"
    r"(?:/[^\s<>\"]{0,300}|(?![\w@.-]))",
    re.I,
)
DOTTED = re.compile(r"\w\.[a-z]{2}", re.I)
AFTER_LINK = ".,;:!?)]}'\""
OF_PERSONS = re.compile(
    r"(?:^|\.)(?:facebook|fb|instagram|linkedin|twitter|x|tiktok|snapchat|t|wa|reddit|pinterest"
    r"|tumblr"
    r"|onlyfans|threads|bsky|mastodon|youtu|drive|docs|dropbox|icloud|onedrive|photos|1drv|mychart"
    r"|calendly"
    r"|gofundme|justgiving|caringbridge|github|medium|substack|discord|goo|maps|strava|vimeo|skype"
    r"|zoom"
    r"|patreon|linktr|flickr)\.",
    re.I,
)
OF_EVERYBODY = re.compile(
    r"(?:^|\.)(?:[\w-]+\.(?:gov|edu|int|nhs|ac)(?:\.\w+)?|nhs\.uk|wikipedia\.org|nih\.gov|who\.int"
    r"|ilae\.org"
    r"|webmd\.com|mayoclinic\.org|epilepsy\.(?:org|com)|epilepsy\.org\.uk|hse\.ie|gov\.uk"
    r"|bbc\.co\.uk"
    r"|medlineplus\.gov|orpha\.net|omim\.org|doi\.org)$",
    re.I,
)
OWN_PAGE = re.compile(
    r"(?:[/?&=_.-])(?:private|share[ds]?|patients?|pupils?|users?|u|profiles?|people|persons?"
    r"|members?|accounts?"
    r"|albums?|folders?|files?|d|f|in|obit(?:uary|uaries)?|live|invites?|my|me|about-me|portal"
    r"|results?"
    r"|family|memorial|fundrais\w+|letters?|appointments?|bookings?|records?|students?|staff|team"
    r"|author)"
    r"(?=[/?=_.-])|[?&](?:token|key|auth|sig|email|name|user|pass\w*|code|session)=|/[@~]\w",
    re.I,
)
LINK_WORD = re.compile(r"[A-Z]?[a-zà-ž]{2,}|[A-Z]{2,}(?![a-z])")


def find_links(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each link that leads to a person: by its host, by what its path says, or by a
    name in it."""
    text = message.text
    if not DOTTED.search(text):
        return
    for match in LINK.finditer(text):
        link = match[0].rstrip(AFTER_LINK)
        host, _, path = re.sub(r"^\w+://", "", link).partition("/")
        host = host.lower().partition(":")[0]
        if OF_PERSONS.search(host) and path:
            yield match.start(), match.start() + len(link)
        elif OF_EVERYBODY.search(host):
            continue
        elif OWN_PAGE.search(f"/{path}/" if path else "") or _names_a_person(message, link):
            yield match.start(), match.start() + len(link)


def _names_a_person(message: person_names.Message, link: str) -> bool:
    """Whether a word of the link is a given name, or begins with one, and no medical word stands
    beside it."""
    lists = message.lists
    words = [word.lower() for word in LINK_WORD.findall(link)]
    for place, word in enumerate(words):
        following = words[place + 1] if place + 1 < len(words) else ""
        beside = {*words[max(0, place - 1) : place + 2]}
        given = (
            word in lists.every_given
            or word in lists.given_and_word
            and following not in lists.english
        )
        medical = beside & lists.medical or (beside & message.refused) - lists.words
        if len(word) > 2 and not medical and (given or _begins_with_a_name(message, word)):
            return True
    return False


def _begins_with_a_name(message: person_names.Message, word: str) -> bool:
    """Whether the word is no other than a given name and more: "rowanhale"."""
    lists = message.lists
    return (
        len(word) > 7
        and word not in lists.english
        and word not in message.refused
        and any(word[:end] in lists.english_given for end in range(4, len(word) - 2))
        and not any(
            word[:end] in lists.english and word[end:] in lists.english
            for end in range(3, len(word) - 2)
        )
    )


# --- handles: "@name" that is no word, "u/name", and what stands after a platform's name

AT_NAME = re.compile(r"(?<![\w@.+/-])@([^\W\d][\w.-]{1,40})(?:@[\w-]+(?:\.[\w-]+)*)*+")
REDDIT = re.compile(r"(?<![\w/])/?u/[\w-]{3,30}")
DISCORD = re.compile(r"(?<![\w#])[\w.]{2,32}#\d{4}(?!\w)")
PLATFORMS = frozenset(
    "instagram insta insta's ig snap snapchat kik discord telegram tg twitter tik tiktok skype on "
    "my xbox x psn"
    " playstation gamertag gamer reddit facebook fb messenger wechat weibo viber threads bluesky "
    "blue mastodon"
    " tumblr pinterest youtube venmo cashapp cash paypal roblox minecraft whatsapp username user "
    "handle screen"
    " screenname nick nickname login userid forum".split()
)
PLATFORM = re.compile(
    r"(?:instagram|insta|ig|snap(?:chat)?|kik|discord|telegram|tg|twitter|tik ?tok|skype|(?:on"
    r"|my) signal"
    r"|x ?box|psn|playstation|(?:on|my) steam|gamer ?tag|reddit|facebook|fb|messenger|wechat|weibo"
    r"|viber"
    r"|threads|blue ?sky|mastodon|tumblr|pinterest|youtube|venmo|cash ?app|paypal|roblox|minecraft"
    r"|whatsapp|(?:user ?name|handle|screen ?name|nick(?:name)?|login|user ?id|forum name)(?='s"
    r"| is |\s?[:=]))(?:'s)?"
    r"(?:[ ,]{1,2}(?:is|id|tag|handle|name|user|username|account|profile|page|me|at|as|on|under"
    r"|called|it's|im|i'm|add"
    r"|here|by|goes|go)\b){0,3}"
    r"[\s:=,\"'(@-]{1,4}(?P<handle>[\w:][\w.:#-]{2,40})",
    re.I,
)
SAID = re.compile(r"(?:\b(?:is|handle|tag|user|username|name|id)|[:=@])[\s\"'(@]*$", re.I)
BEFORE_PLATFORM = re.compile(
    r"(?<![\w.@])([^\W\d][\w.-]{2,30}) (?:on|in) (?:my )?(?:instagram|insta|ig|snap(?:chat)?|kik"
    r"|discord|telegram|twitter"
    r"|tik ?tok|skype|signal|reddit|facebook|fb|xbox|psn|steam|mastodon|threads|bluesky|youtube)\b",
    re.I,
)
LIKE_A_HANDLE = re.compile(r"[._#:]\w|\d|[a-z][A-Z]")


def find_handles(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """(start, end) of each handle, with its "@"."""
    text = message.text
    if "@" in text:
        for match in AT_NAME.finditer(text):
            word = match[1].rstrip(".-").lower()
            if not _is_word(message, word):
                yield match.start(), match.start() + len(match[0].rstrip(".-"))
    if "u/" in text:
        yield from (match.span() for match in REDDIT.finditer(text))
    if "#" in text:
        yield from (
            match.span() for match in DISCORD.finditer(text) if re.search("[a-z]", match[0])
        )
    if not PLATFORMS.isdisjoint(message.places):
        yield from _find_on_platforms(message)


def _find_on_platforms(message: person_names.Message) -> Iterator[tuple[int, int]]:
    """Handles that stand before or behind a platform's name."""
    text = message.text
    for match in message.match_at(PLATFORM, PLATFORMS):
        handle = match["handle"].rstrip(".:-#")
        said = len(handle) > 4 and SAID.search(text, match.start(), match.start("handle"))
        shaped = (
            LIKE_A_HANDLE.search(handle) or said and handle.lower() not in message.lists.every_given
        )
        if (
            shaped
            and re.search(r"[^\W\d_]{2}", handle)
            and not _is_word(message, handle.lower())
            and "//" not in handle
        ):
            yield match.start("handle"), match.start("handle") + len(handle)
    for match in BEFORE_PLATFORM.finditer(text):
        if LIKE_A_HANDLE.search(match[1]) and not _is_word(message, match[1].lower()):
            yield match.span(1)


def _is_word(message: person_names.Message, word: str) -> bool:
    return word in message.lists.english or word in message.refused
