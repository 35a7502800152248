"""What a page about an article is about, made once of its address and handed on as one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from bot.editor.shared import content_cache, content_files, session
from bot.editor.shared.state import DeskState, State
from bot.store.accounts import Member


@dataclass(frozen=True)
class ArticlePage:
    """An article, or the draft of one, that a request is about, with the desk that serves it and
    the person who asks. `question`: its id, where the address names one, else ""."""

    request: Request
    desk: State
    person: Member
    id: str
    is_draft: bool
    question: str = ""

    @property
    def at(self) -> str:
        """The address of the article's own page."""
        return content_cache.article_address(self.id, self.is_draft)

    @property
    def path(self) -> Path:
        """Its file, whether or not it is there; raises content_files.NoFile."""
        config = self.desk.config
        if self.is_draft:
            return content_files.draft_path(config, self.id)
        return content_files.article_path(config, self.id)

    @property
    def phrases_path(self) -> Path:
        """The file of its phrases, whether or not it is there; raises content_files.NoFile."""
        return content_files.phrases_path(self.desk.config, self.id, self.is_draft)

    def open_article(self) -> content_cache.Opened:
        """The article beside its phrases and ledger; raises content_files.NoFile and
        article_document.Unreadable."""
        return content_cache.open_article(self.desk, self.id, self.is_draft)

    def read_text(self) -> str:
        """The text of its file; raises content_files.NoFile where there is none."""
        if not self.path.is_file():
            raise content_files.NoFile(self.path.name)
        return content_files.read_file(self.path)


async def _for_reader(request: Request, desk: DeskState, person: session.Reader) -> ArticlePage:
    return _read_address(request, desk, person)


async def _for_editor(request: Request, desk: DeskState, person: session.Editor) -> ArticlePage:
    return _read_address(request, desk, person)


def _read_address(request: Request, desk: State, person: Member) -> ArticlePage:
    """The ArticlePage of an address, in which either `{article}` or `{draft}` stands."""
    names = request.path_params
    is_draft = "draft" in names
    id = names["draft"] if is_draft else names["article"]
    return ArticlePage(request, desk, person, id, is_draft, names.get("question", ""))


# What a page asks for in its signature. One function serves an article and its draft: it has a
# route with `{article}` in its address, and one with `{draft}`.
PageToRead = Annotated[ArticlePage, Depends(_for_reader)]
PageToEdit = Annotated[ArticlePage, Depends(_for_editor)]
