/** The shapes that widget.js works with; browsers never load this file, `tsc` does. */

/** What the visitor sent, not yet answered. */
type Message = {id: string, text?: string, choice?: string, title?: string};
type Choice = {title: string, value: string};
/** What a source says about a statement. */
type Said = {statement: string, where?: string, states: string, verdict?: string};
type Source = {n: number, title: string, url?: string, publisher?: string, checked?: string, says?: Said[]};
/** A line to call, text or open. */
type Line = {label?: string, number: string, tel?: string, url?: string};
type Article = {title?: string, url?: string, reviewed_by?: string, reviewed_on?: string, review?: string};
type Reply = {
  id: string, kind: string, text: string, note?: string, topic?: string, more?: string, title?: string, question?: string, section?: string,
  article?: Article,
  sources?: Source[], disclaimer?: string, feedback?: {ask?: string}, instead?: Choice[], choices?: Choice[], numbers?: Line[], language?: string,
  warning?: Reply, emergency?: {text: string},
};
type Vote = {reply: string, helpful: boolean, reason?: string, comment?: string};
/** `until`: the time it ends, in ms; `lasts`: for how long each message keeps it alive. */
type Session = {token: string, lasts: number, until: number, last: string, pending: Message[], votes?: Record<string, boolean>};
/** One thing in the transcript. */
type Entry = {is: 'you', id: string, text: string} | {is: 'reply', reply: Reply} | {is: 'note', text: string};
type Texts = Record<string, string>;
/** The language of dates; the server's address, with a slash behind. */
type Where = {language: string, server: string};
