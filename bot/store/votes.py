"""Votes on replies, and the tickets that reports of a fault open: each of one fault in one answer
at one revision."""

from sqlalchemy import func, select, update

from bot.store import NoReply, _conversation, _now, _transaction
from bot.store.tables import Person, Reply, Ticket, Turn, Vote

REPORTS = ("inaccurate", "out_of_date")  # the reasons that say that the article is wrong
SHOWN = 200


class NoTicket(LookupError):
    """There is no such ticket."""


def vote(engine, token, reply, helpful, reason=None, comment=None):
    """Store a vote on a reply of this conversation, in place of an earlier one; a report opens a
    ticket or joins an open one.

    Raises NoReply.
    """
    with _transaction(engine) as session:
        conversation = _conversation(session, token)
        body = session.scalar(
            select(Reply.body)
            .join(Turn, Reply.turn == Turn.id)
            .where(Reply.id == reply, Turn.conversation == conversation.id)
        )
        if body is None:
            raise NoReply(reply)
        ticket = (
            None
            if helpful or reason not in REPORTS or not body.get("question")
            else _ticket(session, body, reason)
        )
        session.merge(
            Vote(
                reply=reply,
                helpful=helpful,
                reason=reason,
                comment=comment,
                voted_at=_now(),
                ticket=ticket,
            )
        )


def _ticket(session, body, reason):
    """The id of the open ticket of this fault, a new one where there is none."""
    wanted = {
        "question": body["question"],
        "revision": body["article"]["revision"],
        "reason": reason,
    }
    found = session.scalar(
        select(Ticket.id).filter_by(**wanted, ended_at=None).order_by(Ticket.id).limit(1)
    )
    if found is None:
        made = Ticket(**wanted, opened_at=_now())
        session.add(made)
        session.flush()
        found = made.id
    return found


def tickets(engine, ended=False):
    """Up to SHOWN tickets, open ones or ended ones, the latest first: [{id, question, revision,
    kept, reason, owner, opened_at, ended_at, ended_by, end, reports}]; `owner` by name, `reports`
    how many."""
    with _transaction(engine) as session:
        wanted = Ticket.ended_at.is_not(None) if ended else Ticket.ended_at.is_(None)
        return [
            _told(*row)
            for row in session.execute(
                _select().where(wanted).order_by(Ticket.id.desc()).limit(SHOWN)
            )
        ]


def read_ticket(engine, id):
    """A ticket, and `told`: what was reported, [{at, comment, conversation, text, answer}]; raises
    NoTicket."""
    with _transaction(engine) as session:
        row = session.execute(_select().where(Ticket.id == id)).first()
        if row is None:
            raise NoTicket(id)
        told = session.execute(
            select(Vote.voted_at, Vote.comment, Turn.conversation, Turn.text, Reply.body)
            .join(Reply, Vote.reply == Reply.id)
            .join(Turn, Reply.turn == Turn.id)
            .where(Vote.ticket == id)
            .order_by(Vote.voted_at.desc())
            .limit(SHOWN)
        )
        return {
            **_told(*row),
            "told": [
                {
                    "at": at,
                    "comment": comment,
                    "conversation": conversation,
                    "text": text,
                    "answer": body,
                }
                for at, comment, conversation, text, body in told
            ],
        }


def take_ticket(engine, id, person):
    """Make a person (an id) the owner of an open ticket; raises NoTicket."""
    _change(engine, id, owner=person)


def keep_ticket(engine, id, revision):
    """Note that the fault is still in this revision; raises NoTicket."""
    _change(engine, id, kept=revision)


def end_ticket(engine, id, person, end):
    """End an open ticket: who (a name), and how in a sentence; raises NoTicket."""
    _change(engine, id, ended_at=_now(), ended_by=person, end=end)


def _change(engine, id, **values):
    with _transaction(engine) as session:
        if not session.execute(
            update(Ticket).where(Ticket.id == id, Ticket.ended_at.is_(None)).values(**values)
        ).rowcount:
            raise NoTicket(id)


def _select():
    reports = (
        select(func.count()).select_from(Vote).where(Vote.ticket == Ticket.id).scalar_subquery()
    )
    return select(Ticket, Person.name, reports).join(
        Person, Ticket.owner == Person.id, isouter=True
    )


def _told(ticket, owner, reports):
    names = (
        "id",
        "question",
        "revision",
        "kept",
        "reason",
        "opened_at",
        "ended_at",
        "ended_by",
        "end",
    )
    return {**{name: getattr(ticket, name) for name in names}, "owner": owner, "reports": reports}
