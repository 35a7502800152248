"""What one conversation, address, account or file may cost, from the code that holds it; a table of
docs/reliability.md."""

from bot.channels import outbox_worker
from bot.conversation import (
    admission,
    limits,
    messages,
    rasa_processes,
    screening,
    unstored_replies,
)
from bot.editor.access import sign_in_pages
from bot.editor.importing import bounded_process, imports
from bot.runtime import settings
from bot.store import engine
from bot.web import body_limit, pacing, slow_clients, visitor_api

TITLE = "A budget for every door"
KB, MB = 1024, 1_000_000


def table():
    """The lines of the table: door, whose budget it is, what it holds, where it is held, and the
    test that goes to the limit and one beyond."""
    lines = [
        "| door | of | may cost | held in | test |",
        "| --- | --- | --- | --- | --- |",
    ]
    return lines + [f"| {' | '.join(row[:4])} | `{row[4]}` |" for row in (*_visitors(), *_others())]


def _visitors():
    default = {name: value for name, value, _ in settings.settings_table()}
    each, opened = default["MESSAGES_PER_MINUTE"], default["CONVERSATIONS_PER_MINUTE"]
    of_address = limits.OF_ADDRESS * each
    return (
        (
            "a message",
            "a conversation",
            f"{each} a minute, of {messages.LONGEST_TEXT:,} signs; one is worked on, "
            f"{limits.MOST_WAITING} wait, {1 / limits.PACE_SECONDS:.0f} a second pass",
            "`limits.Rates`, `limits.Turnstile`",
            "test_five_messages_of_a_conversation_wait_over_both_gateways_and_the_rest_is_refused_politely",
        ),
        (
            "reading what was said",
            "a conversation",
            f"{each} pages a minute of {visitor_api.MOST_TURNS} turns, one at a time; "
            f"{engine.READING} threads of all readers",
            "`limits.Reads`",
            "test_a_long_conversation_is_read_in_pages_of_a_hundred",
        ),
        (
            "any of these",
            "an address (of IPv6 its /64)",
            f"{of_address} calls a minute, and {of_address} tokens looked up that open nothing",
            "`limits.Rates`, `limits.Strangers`",
            "test_calls_are_counted_by_address_and_a_danger_is_heard_all_the_same",
        ),
        (
            "a long text",
            "an address",
            f"counts for a call more with each {visitor_api.SIGNS_A_CALL} signs; one at a time is "
            f"heard; past the limits {visitor_api.MOST_OF_END} signs of either end",
            "`visitor_api`",
            "test_a_long_text_counts_as_often_as_short_ones_that_take_as_long",
        ),
        (
            "a request, of any kind",
            "an address",
            f"{pacing.AT_ONCE} at once, then {pacing.PER_SECOND} a second: the next ones wait, "
            f"{pacing.LONGEST_SECONDS:.0f} s at most",
            "`pacing.Pacing`",
            "test_who_sends_as_fast_as_it_goes_waits_and_others_do_not",
        ),
        (
            "opening a conversation",
            "an address",
            f"{opened} a minute",
            "`limits.Rates`",
            "test_conversations_are_opened_up_to_the_limit_and_no_further",
        ),
        (
            "a place at Rasa",
            "an address; a conversation of an app",
            f"{admission.SHARE:.0%} of {admission.LEAST} to {admission.MOST} places, as many as "
            f"are answered in time; in turn with the others; {admission.AT_ONCE} at once, "
            f"{admission.AT_ONCE_BESIDE} while others are about",
            "`admission.Places`",
            "test_one_caller_gets_three_quarters_of_the_places_and_the_next_message_is_refused",
        ),
        (
            "Rasa's time",
            "a message",
            f"{default['ANSWER_SECONDS']} s",
            "`rasa_processes.ask_rasa`",
            "test_a_rasa_that_is_there_and_works_is_not_killed_however_late_its_answers_are",
        ),
        (
            "the database",
            "a message",
            f"{limits.STORE_SECONDS} s a statement; {engine.THREADS} threads, "
            f"{engine.URGENT} more for dangers alone",
            "`limits.in_time`",
            "test_readers_who_wait_for_the_database_keep_no_danger_from_being_stored",
        ),
        (
            "the net",
            "a message",
            f"{screening.SECONDS} s, one thread; of refused ones {each} a minute for an address, "
            "then the rules alone, in a thread of their own",
            "`screening.ask_net`",
            "test_without_the_net_the_rules_alone_answer_within_a_second",
        ),
        (
            "a body",
            "a request",
            f"{body_limit.LARGEST_BODY // KB} KB, not compressed",
            "`body_limit.BodyLimit`",
            "test_a_body_of_64_kb_is_read_and_one_byte_more_is_not",
        ),
        (
            "a connection",
            "a request",
            f"a head of {slow_clients.LARGEST_HEAD // KB} KB in {slow_clients.HEAD_SECONDS} s, a "
            f"body in {slow_clients.BODY_SECONDS} s",
            "`slow_clients.SlowClientProtocol`",
            "test_who_holds_a_connection_without_a_whole_request_is_put_out",
        ),
        (
            "connections",
            "all visitors",
            f"the files that may be open, less {slow_clients.KEPT_FILES} (or half); the oldest "
            "idle one of the network with most goes first",
            "`slow_clients.SlowClientProtocol`",
            "test_of_the_network_with_most_connections_the_oldest_without_a_request_goes",
        ),
    )


def _others():
    file = bounded_process.LIMITS
    return (
        (
            "answers while the database fails",
            "all visitors",
            f"{unstored_replies.LARGEST // MB} MB of journal",
            "`unstored_replies.note_reply`",
            "test_it_is_private_bounded_and_holds_no_refusal",
        ),
        (
            "a call of a messaging platform",
            "a platform",
            f"{body_limit.LARGEST_CALL // KB // KB} MB; {outbox_worker.AT_ONCE} messages at once, "
            "each conversation one caller",
            "`body_limit.BodyLimit`, `outbox_worker`",
            "test_a_message_of_a_messaging_app_is_never_refused_and_served_in_turn",
        ),
        (
            "the desk's sign-in",
            "an account",
            f"{sign_in_pages.ACCOUNT_TRIES} wrong tries in {sign_in_pages.TRIES_MINUTES} minutes",
            "`editor/access/sign_in_pages.py`",
            "test_guessing_a_password_ends_after_five_tries_even_with_the_right_one",
        ),
        (
            "the desk's sign-in",
            "an address",
            f"{sign_in_pages.ADDRESS_TRIES} wrong tries in {sign_in_pages.TRIES_MINUTES} minutes",
            "`editor/access/sign_in_pages.py`",
            "test_one_address_is_held_to_twenty_tries_whatever_names_it_takes",
        ),
        (
            "a file at the desk",
            "who is signed in",
            f"{imports.LARGEST_WORD // MB} MB, unpacked {imports.LARGEST_UNPACKED // MB} MB",
            "`editor/importing/imports.py`",
            "test_a_harmful_or_broken_word_file_is_refused_with_a_sentence",
        ),
        (
            "reading that file",
            "who is signed in",
            f"{file.processor} s of processor, {file.wait} s in all, {file.memory // MB:,} MB of "
            f"addresses, {file.elements:,} elements; one at a time, {file.turn} s for its turn",
            "`editor/importing/bounded_process.py`",
            "test_a_table_that_costs_too_much_is_refused_with_a_sentence",
        ),
        (
            "a Rasa",
            "the gateway",
            f"{rasa_processes.FAILING_SECONDS} s without a good answer, until it is looked after",
            "`rasa_processes.look_after`",
            "test_a_rasa_that_is_there_and_does_nothing_or_answers_wrongly_is_killed",
        ),
    )
