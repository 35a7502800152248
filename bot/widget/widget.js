/**
 * <symptom-chat>: Pamphlet's website widget (docs/widget.md; types.d.ts). Whatever comes from a server or storage is
 * shown as text: nothing here parses markup.
 *
 * It is one file, so that a site includes it by one tag, copies and pins one file, and runs what is read here: several
 * files would be as many requests one after another, or a build. Where things are, from top to bottom:
 *
 * - what the chat says, and whom to call without a server: TEXTS, EMERGENCY
 * - making elements: make, icon, link, telephone, urgentLine, prose (text with its source marks)
 * - a reply, as one card: drawReply; its parts: drawChoices, drawSources, drawAbout, drawFeedback, drawDanger
 * - the server: call, Trouble
 * - the element: SymptomChat; in it
 *   - the panel and what is around it: #build, #opening, #show, #focus, #fit
 *   - what is drawn: #draw, #add, #reveal, #drawTrouble, #say
 *   - a message on its way: #ask, #queue, #fail, #receive, #working
 *   - what the device keeps, and other tabs: #recall, #remember, #resume, #followOtherTab
 *   - the menu: #openMenu, #readAloud, #listen, #download, #print, #restart, #forget
 * - styles: DARK, CSS_TEXT
 */

const LONGEST = 2000; // characters in one message; the server refuses more
const PATIENCE = 20_000; // ms
const STILL = 4000;
/** Turns speech into text, where the browser can.
 * @type {any} */
const RECOGNITION = Reflect.get(window, 'SpeechRecognition') ?? Reflect.get(window, 'webkitSpeechRecognition');
const REASONS = ['inaccurate', 'out_of_date', 'unclear', 'not_what_was_asked', 'other'];

/** Who to call where the server can't be asked.
 * @type {Record<string, string>} */
const EMERGENCY = {
  112: 'AT AX BE BG BL CY CZ DE DK EE ES FI FR GF GH GP GR HR HU IE IN IS IT LI LT LU LV MF MQ MT NG NL PL PM PT RE RO SE SI SK TR YT ZA',
  911: 'AS CA GU MP MX PH PR US UY VI',
  999: 'BD GB GG HK IM JE KE MY UG',
  119: 'ID JP KR TW',
  '000': 'AU CC CX',
  14: 'DZ',
  15: 'MA',
  101: 'IL',
  102: 'NP',
  103: 'RU UA',
  106: 'PE',
  107: 'AR',
  111: 'NZ',
  113: 'NO SJ',
  115: 'IR VN',
  120: 'CN',
  122: 'IQ',
  123: 'CO EG',
  131: 'CL',
  144: 'CH',
  192: 'BR',
  995: 'SG',
  997: 'SA',
  1122: 'PK',
  1669: 'TH',
  1990: 'LK',
};

/** @type {Texts} */
const TEXTS = {
  dir: 'ltr',
  heading: 'Ask about this symptom',
  close: 'Close the chat',
  menu: 'Menu',
  unread: 'New answers: {count}',
  greeting: 'Hello. Ask in your own words, or pick a question. The answers come from our articles, word for word.',
  notice:
    'This is a computer program, not a doctor. It cannot examine anyone or say what they have. Nothing leaves this ' +
    'page until you send a question. Questions are then kept {kept}, without your name, to make the answers better. ' +
    'You can delete yours at any time, from the menu.',
  kept_days: 'for {days} days',
  kept_some: 'for a limited time',
  urgent: 'If someone may be in danger, call {numbers} now.',
  urgent_anywhere:
    'If someone may be in danger, call your local emergency number now: 112 (Europe, India), 911 (North America) or 999 (UK).',
  starters: 'People often ask',
  log: 'Conversation',
  input: 'Your question',
  placeholder: 'Type your question',
  send: 'Send',
  too_long: 'A question can have 2,000 characters. Yours has {count}. Please make it shorter.',
  you: 'You asked:',
  answer: 'Answer',
  emergency: 'Get help now',
  crisis: 'Talk to someone now',
  unavailable: 'The chat is not working right now',
  working: 'Looking in the articles…',
  still: 'Still working on it…',
  more: 'More',
  less: 'Less',
  sources: 'Sources',
  sources_count: 'Sources ({count})',
  source: 'Source {n}: {title}',
  partly: 'This bears it out only in part.',
  new_tab: '(opens a new tab)',
  from: 'From {article}.',
  reviewed: 'Reviewed by {name} on {date}.',
  not_reviewed: 'Not yet reviewed by a clinician.',
  helpful: 'Was this helpful?',
  yes: 'Yes',
  no: 'No',
  why: 'What was wrong with it?',
  inaccurate: 'It is wrong',
  out_of_date: 'It is out of date',
  unclear: 'It is hard to understand',
  not_what_was_asked: 'It is not what I asked',
  other: 'Something else',
  comment: 'In your own words, if you like (no names, please)',
  send_feedback: 'Send this',
  thanks: 'Thank you.',
  copy_one: 'Copy',
  copy_answer: 'Copy this answer',
  link: 'Link',
  link_answer: 'Link to this answer',
  call: 'Call {number}',
  feedback_failed: 'That could not be sent. Please try again.',
  next: 'You could also ask',
  which: 'Choose one',
  not_meant: 'Not what you meant?',
  offline: 'You seem to be offline. Your question is kept here, and is sent when you are back.',
  timeout: 'The answer is taking too long. Your question is kept here.',
  limited: 'That was a lot of questions at once. Please wait {seconds} seconds, then try again.',
  failed: 'The chat could not be reached. Your question is kept here.',
  refused: 'That could not be sent. Please put it another way.',
  retry: 'Try again',
  ended: 'Your earlier conversation has ended. This is a new one.',
  ended_elsewhere: 'This conversation was ended in another tab or window.',
  resumed: 'Your conversation so far:',
  resume_failed: 'Your earlier conversation could not be loaded.',
  copy: 'Copy the conversation',
  copied: 'Copied.',
  copy_failed: 'Your browser did not allow copying. You can download the conversation instead.',
  print: 'Print',
  download: 'Download as text',
  file: 'conversation.txt',
  restart: 'Start again',
  undo: 'Bring it back',
  larger: 'Larger text',
  smaller: 'Smaller text',
  full: 'Full screen',
  window: 'Small window',
  aloud: 'Read answers aloud',
  silent: 'Stop reading aloud',
  speak: 'Speak a question',
  speak_sure:
    'Many browsers send the sound to their maker to turn it into text, as Chrome does to Google. This chat gets the text ' +
    'alone, and only when you send it. Start listening?',
  speak_yes: 'Start listening',
  speak_no: 'Not now',
  listening: 'Listening. Your words appear here.',
  listening_stop: 'Stop listening',
  speak_failed: 'Your browser could not listen. You can type your question.',
  restarted: 'A new conversation. The earlier one is no longer shown on this device.',
  forget: 'Delete my data',
  forget_sure: 'Delete everything that this chat has stored about you? This cannot be undone.',
  forget_yes: 'Delete it',
  forget_no: 'Keep it',
  forgotten: 'Everything that was stored about your conversation is deleted. Receipt: {receipt}',
  nothing_stored: 'Nothing was stored.',
  forget_failed: 'It could not be deleted just now, and is still stored. Please try again.',
};

// ---- making elements

/**
 * Strings become text, functions listeners, false and null nothing.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | boolean | number | null | undefined | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null | false | undefined)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

const PRESS = {type: 'button', part: 'button'};

/** @param {string} path */
function icon(path) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  line.setAttribute('d', path);
  svg.append(line);
  return svg;
}
const ICONS = {
  chat: 'M4 5h16v11H10l-5 4v-4H4zM8 9h8M8 12h5',
  close: 'M6 6l12 12M18 6L6 18',
  menu: 'M5 12h.01M12 12h.01M19 12h.01',
  send: 'M12 19V5M6 11l6-6 6 6',
};

/** The text without characters that turn the reading order.
 * @param {unknown} text */
function clean(text) {
  const words = typeof text === 'string' || typeof text === 'number' ? String(text) : '';
  return words.replace(/[\u0000-\u0008\u000b-\u001f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '');
}

/** Each `{name}` replaced by its text or element.
 * @param {string} template @param {Record<string, string | Node>} parts
 * @returns {(string | Node)[]} */
function fill(template, parts) {
  return template.split(/\{(\w+)\}/).map((piece, at) => (at % 2 ? (parts[piece] ?? '') : piece));
}

/** @template T @param {T[] | undefined} list @returns {T[]} */
const each = (list) => (Array.isArray(list) ? list.filter((item) => item && typeof item === 'object') : []);

/** Where the address is no web page's, only the text.
 * @param {unknown} url @param {string} text @param {Texts} t @param {string} [label] */
function link(url, text, t, label) {
  const page = clean(url);
  if (!/^https?:\/\//i.test(page) || !URL.canParse(page)) return make('bdi', {}, text);
  const name = label ? {'aria-label': `${label} ${t.new_tab}`} : {};
  const to = {href: page, target: '_blank', rel: 'noopener noreferrer', part: 'link', ...name};
  return label ? make('a', to, text) : make('a', to, make('bdi', {}, text), make('span', {class: 'unseen'}, ` ${t.new_tab}`));
}

/** @param {Line} line @param {Texts} [t] */
function telephone({label, number, tel, url}, t) {
  const digits = clean(tel).replace(/[^\d+*#]/g, '');
  const shown = make('bdi', {class: 'number'}, clean(number) || digits);
  const to = {href: `${clean(tel).startsWith('sms:') ? 'sms' : 'tel'}:${digits}`, class: 'call', part: 'call'};
  const call = digits ? make('a', to, shown) : url && t ? link(url, clean(number), t) : shown;
  return label ? make('span', {}, make('span', {class: 'line'}, clean(label)), ' ', call) : call;
}

/** @param {string} text  whose numbers can be tapped */
const urgent = (text) =>
  make(
    'p',
    {class: 'urgent', part: 'urgent'},
    ...text.split(/(\*?\d+)/).map((piece, at) => (at % 2 ? telephone({number: piece, tel: piece}) : piece)),
  );

/** @param {string} country @param {Texts} t */
function urgentLine(country, t) {
  const known = Object.keys(EMERGENCY).find((number) => EMERGENCY[number].split(' ').includes(country));
  return urgent(known ? fill(t.urgent, {numbers: known}).join('') : t.urgent_anywhere);
}

/** @param {Line[]} numbers @param {Texts} t */
const callLines = (numbers, t) =>
  numbers.length > 0 && make('ul', {class: 'lines'}, ...numbers.map((line) => make('li', {}, telephone(line, t))));

/** Large buttons "Call 999", each with where it is for below it.
 * @param {Line[]} numbers @param {Texts} t */
function callFirst(numbers, t) {
  const list = make('ul', {class: 'lines first'});
  for (const {label, number, tel, url} of numbers) {
    const name = clean(tel) ? fill(t.call, {number: clean(number)}).join('') : clean(number);
    list.append(make('li', {}, telephone({number: name, tel, url}, t), ' ', label && make('span', {class: 'soft'}, clean(label))));
  }
  return numbers.length > 0 && list;
}

/** A danger's text in two: what is read first, and the rest. A crisis's first line is the kind one.
 * @param {string} text @param {string} kind */
function parted(text, kind) {
  const [first] = (kind === 'crisis' ? /^.*/ : /^.*?[.!?。؟।](?=\s|$)|^.*/).exec(text) ?? [''];
  return [first, text.slice(first.length).trim()];
}

/** A text without its numbers, on one line.
 * @param {string} text */
const flat = (text) => text.replace(/\s*\[\d+\]/g, '').replace(/\s+/g, ' ').trim();

/** What a source says about the statement in which the first `at` characters of `words` end; else all that it says.
 * @param {Source} source @param {string} words @param {number} at */
function saidOf({says}, words, at) {
  const all = each(says);
  const here = all.filter(({statement}) => {
    const said = clean(statement), from = words.indexOf(said);
    return from >= 0 && from < at && at <= from + said.length;
  });
  return here.length ? here : all;
}

/** The number behind a statement: a button that opens, below, what the source says there; Escape closes it.
 * @param {Source} source @param {Said[]} said @param {string} label @param {Texts} t @param {(note: Node) => void} place */
function opener({n, title, publisher, url, checked}, said, label, t, place) {
  const id = `says-${serial++}`;
  const by = [clean(publisher), clean(checked)].filter(Boolean).join('. ');
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || !note.isConnected) return;
    event.preventDefault(); // the chat stays open
    event.stopPropagation();
    click();
    button.focus();
  };
  const note = make('div', {class: 'says', part: 'says', id, role: 'group', 'aria-label': label, keydown});
  for (const {where, states, verdict} of said) {
    const place = clean(where);
    note.append(make('p', {}, clean(states), ' ', place && make('span', {class: 'soft'}, `(${place})`)));
    if (verdict === 'partly') note.append(make('p', {}, t.partly));
  }
  note.append(make('p', {}, link(url, clean(title), t), by && make('span', {class: 'by'}, ` ${by}`)));
  const click = () => {
    button.setAttribute('aria-expanded', String(!note.isConnected));
    if (note.isConnected) note.remove();
    else {
      place(note);
      note.scrollIntoView({block: 'nearest'}); // a long paragraph may stand between
    }
  };
  const says = {'aria-label': label, 'aria-expanded': 'false', 'aria-controls': id};
  const button = make('button', {type: 'button', part: 'link', ...says, click, keydown}, String(n));
  return button;
}

/**
 * An article's text: blank lines part paragraphs, lines with "- " are a list, `[1]` opens what that source says there,
 * or links to it. All else, Markdown and HTML too, stays as it was written.
 * @param {unknown} text @param {Source[]} sources @param {Texts} t
 */
function prose(text, sources, t, lang = 'en') {
  const cited = (/** @type {'p' | 'li'} */ tag, /** @type {string} */ line) => {
    let before = '', kept = make('span', {class: 'kept'});
    const all = make(tag, {dir: 'auto'}, kept);
    for (const [at, piece] of line.split(/ ?\[(\d{1,3})\]/).entries()) {
      const source = at % 2 ? sources.find(({n}) => n === Number(piece)) : null;
      if (source) {
        const label = fill(t.source, {n: piece, title: clean(source.title)}).join('');
        const said = saidOf(source, flat(line), flat(before).length);
        const place = (/** @type {Node} */ note) => (tag === 'p' ? all.after(note) : all.append(note));
        kept.append(make('sup', {}, said.length ? opener(source, said, label, t, place) : link(source.url, piece, t, label)));
      } else if (at % 2) kept.append(` [${piece}]`);
      else {
        // a number stays in the line of the word before it, and a stop behind it, too
        const [, stop = '', text = '', word = ''] = /^([^\s\p{L}\p{N}]*)(.*?)(\S{0,12})$/su.exec(piece) ?? [];
        kept.append(stop);
        if (text || word) all.append(text, (kept = make('span', {class: 'kept'}, word)));
        before += piece;
      }
    }
    return all;
  };
  const all = make('div', {class: 'prose', lang, dir: 'auto'});
  for (const block of clean(text).split(/\n\s*\n/)) {
    const [lead, ...items] = `\n${block}`.split(/\n\s*[-*] +/);
    if (lead.trim()) all.append(cited('p', lead.trim()));
    if (items.length) all.append(make('ul', {}, ...items.map((item) => cited('li', item.trim()))));
  }
  return all;
}

// ---- a reply, as one card

/** @param {string} heading @param {Choice[]} choices @param {(choice: Choice) => void} pick */
function choiceList(heading, choices, pick) {
  const list = make('ul', {class: 'choices', role: 'list', 'aria-label': heading});
  for (const {title, value} of choices) {
    const words = clean(title);
    if (!words || typeof value !== 'string') continue;
    const click = () => pick({title: words, value});
    list.append(make('li', {}, make('button', {...PRESS, part: 'choice', class: 'choice', lang: 'en', dir: 'auto', click}, words)));
  }
  return list.children.length ? list : null;
}

/** @param {string} heading @param {Choice[]} choices @param {(choice: Choice) => void} pick */
function drawChoices(heading, choices, pick) {
  const list = choiceList(heading, choices, pick);
  return list && make('div', {}, make('p', {class: 'label'}, heading), list);
}

/** What is not seen at once, and the button that shows and hides it.
 * @param {Reply} reply @param {Source[]} sources @param {Texts} t @param {(open: boolean) => void} changed */
function drawMore(reply, sources, t, changed) {
  if (!clean(reply.more).trim()) return {rest: null, more: null};
  const rest = prose(reply.more, sources, t);
  rest.id = `more-${serial++}`;
  rest.hidden = true;
  const click = () => {
    rest.toggleAttribute('hidden');
    more.setAttribute('aria-expanded', String(!rest.hidden));
    more.textContent = rest.hidden ? t.more : t.less;
    changed(!rest.hidden);
  };
  const more = make('button', {...PRESS, class: 'more', 'aria-expanded': 'false', 'aria-controls': rest.id, click}, t.more);
  return {rest, more};
}
let serial = 0; // for ids that tie a button to what it opens

/** The sources, folded. `show(whole)` lists all, or only those whose numbers stand in what is seen at once.
 * @param {Source[]} sources @param {string} seen @param {Texts} t */
function drawSources(sources, seen, t) {
  const list = make('ol', {class: 'sources', part: 'sources', 'aria-label': t.sources, lang: 'en', dir: 'auto'});
  const summary = make('summary');
  const all = make('details', {class: 'cites'}, summary, list);
  for (const {n, title, publisher, url} of sources) {
    const by = clean(publisher);
    const item = make('li', {}, link(url, clean(title), t), by && make('span', {class: 'by'}, ` ${by}`));
    if (Number.isInteger(n)) item.value = n;
    list.append(item);
  }
  const show = (/** @type {boolean} */ whole) => {
    const shown = sources.map(({n}) => whole || seen.includes(`[${n}]`));
    shown.forEach((is, at) => list.children[at].toggleAttribute('hidden', !is));
    const count = shown.filter(Boolean).length;
    all.hidden = !count;
    summary.textContent = fill(t.sources_count, {count: String(count)}).join('');
  };
  return {all, show};
}

/** The section of this very page that an address leads to.
 * @param {string} address */
function sectionHere(address) {
  if (!URL.canParse(address)) return null;
  const {origin, pathname, hash} = new URL(address);
  return origin + pathname === location.origin + location.pathname && hash ? document.getElementById(hash.slice(1)) : null;
}

/** Scrolls the page to a section and marks it for some seconds.
 * @param {HTMLElement} section */
function showSection(section) {
  section.tabIndex = -1;
  section.scrollIntoView({block: 'start'});
  section.focus({preventScroll: true});
  section.animate([{outline: '3px solid', outlineOffset: '8px', offset: 0.8}, {outline: '3px solid transparent'}], 5000);
}

/** The address of the section that an answer stands in.
 * @param {Reply} reply @param {Where} where */
function homeOf({article, question, section}, {server}) {
  const page = clean(article?.url).replace(/^\/(?!\/)/, server); // the server gives its own pages without its name
  const id = clean(section ?? question).split('.')[1];
  return page && id && !page.includes('#') ? `${page}#${encodeURIComponent(id)}` : page;
}

/** The answer's own place: a link that opens it in a new tab, or shows it where this page holds it.
 * @param {Reply} reply @param {string} text @param {string} label @param {Texts} t @param {Where} where
 * @param {(section: HTMLElement) => void} show */
function linkHome(reply, text, label, t, where, show) {
  const address = homeOf(reply, where);
  const section = sectionHere(address);
  const made = link(address, text, t, label);
  if (section && made instanceof HTMLAnchorElement) {
    made.removeAttribute('target');
    made.setAttribute('aria-label', label);
    made.addEventListener('click', (event) => {
      event.preventDefault();
      show(section);
    });
  }
  return made;
}

/** Where it is from, and who reviewed it: two texts.
 * @param {Article} article @param {Texts} t @param {string} language */
function reviewLines(article, t, language) {
  const name = clean(article.reviewed_by);
  const day = new Date(`${clean(article.reviewed_on)}T00:00:00Z`);
  const long = new Intl.DateTimeFormat(language, {dateStyle: 'long', timeZone: 'UTC'});
  const date = Number.isNaN(day.getTime()) ? clean(article.reviewed_on) : long.format(day);
  const from = article.title ? fill(t.from, {article: clean(article.title)}).join('') : '';
  const said = clean(article.review).replace(/[^.]$/, '$&.');
  const review = name ? [...fill(t.reviewed, {name, date}), ` ${said}`].join('') : said || t.not_reviewed;
  return [from, review.trim()];
}

/** One line, which opens: where it is from, its review, and the disclaimer.
 * @param {Reply} reply @param {Texts} t @param {Where} where @param {(section: HTMLElement) => void} show */
function drawAbout(reply, t, where, show) {
  const {article} = reply;
  const disclaimer = clean(reply.disclaimer);
  if (!article && !disclaimer) return null;
  const line = make('summary', {}, article && make('span', {class: 'review', part: 'review'}, reviewLines(article, t, where.language).reverse().join(' ')));
  if (disclaimer) line.append(' ', make('bdi', {class: 'disclaimer', part: 'disclaimer', lang: 'en'}, disclaimer));
  const title = clean(article?.title);
  const to = title && linkHome(reply, title, title, t, where, show);
  return make('details', {class: 'quiet'}, line, to && make('p', {}, to));
}

/** "Was this helpful?"; after a "no", why. The vote goes out at once, the reason when it is sent.
 * @param {Reply} reply @param {Texts} t @param {boolean | undefined} given  the vote that it has
 * @param {(vote: Vote) => Promise<string>} vote  resolves to thanks, rejects when it could not be sent
 * @param {(Node | false | null)[]} beside  what stands in the same row */
function drawFeedback(reply, t, given, vote, beside) {
  const ask = make('span', {class: 'ask', id: `ask-${serial++}`}, t.helpful);
  const said = make('p', {class: 'said', role: 'status'});
  const why = make('div', {class: 'why', hidden: true});
  const all = make('div', {class: 'feedback row', part: 'feedback', role: 'group', 'aria-labelledby': ask.id});
  let last = Promise.resolve(true);
  /** One after the other: the server keeps the last. A "no" is asked why before it is thanked.
   * @param {Vote} given */
  const send = (given) => (last = last.then(async () => {
    said.textContent = '';
    try {
      const thanks = await vote(given);
      if (given.helpful || given.reason) said.textContent = thanks;
      return true;
    } catch {
      said.textContent = t.feedback_failed;
      return false;
    }
  }));
  const press = (/** @type {HTMLElement[]} */ group, /** @type {HTMLElement | null} */ chosen) =>
    group.forEach((button) => button.setAttribute('aria-pressed', String(button === chosen)));
  const button = (/** @type {string} */ text, /** @type {(event: Event) => void} */ click) =>
    make('button', {...PRESS, class: 'small', 'aria-pressed': 'false', click}, text);

  /** @type {HTMLElement[]} */
  const votes = [true, false].map((helpful) =>
    button(helpful ? t.yes : t.no, async () => {
      press(votes, votes[helpful ? 0 : 1]);
      why.hidden = helpful;
      if (!helpful) why.scrollIntoView({block: 'nearest'});
      if (!(await send({reply: reply.id, helpful}))) press(votes, null);
    }),
  );
  let reason = '';
  /** @type {HTMLElement[]} */
  const reasons = REASONS.map((name, at) =>
    button(t[name], () => {
      reason = name;
      submit.hidden = false;
      press(reasons, reasons[at]);
    }),
  );
  const comment = make('textarea', {rows: 2, maxlength: 1000, part: 'input', dir: 'auto'});
  const submit = make('button', {...PRESS, class: 'small strong'}, t.send_feedback);
  submit.addEventListener('click', async () => {
    const words = comment.value.trim();
    const because = {reply: reply.id, helpful: false, reason: reason || 'other', ...(words && {comment: words})};
    if (await send(because)) {
      why.hidden = true;
      said.tabIndex = -1;
      said.focus();
    }
  });
  const group = make('div', {class: 'row', role: 'group', 'aria-label': t.why}, ...reasons);
  why.append(make('p', {}, t.why), group, make('label', {}, t.comment, comment), submit);
  if (given !== undefined) press(votes, votes[given ? 0 : 1]);
  all.append(ask, ...votes);
  return make('div', {class: 'below'}, make('div', {class: 'row foot'}, all, ...beside), said, why);
}

/** @param {Reply} reply @param {Texts} t
 * @param {{where: Where, country: string, given: boolean | undefined, pick: (choice: Choice) => void,
 *   vote: (vote: Vote) => Promise<string>, copy: () => void, show: (section: HTMLElement) => void}} with_ */
function drawReply(reply, t, {where, country, given, pick, vote, copy, show}) {
  const danger = isDanger(reply);
  const fixed = danger || reply.kind === 'unavailable' ? t[reply.kind] : '';
  const quotes = isPassage(reply);
  const named = clean(quotes ? reply.note : reply.title); // what is quoted stands below what says so
  const heading = make('h3', {id: `reply-${serial++}`, dir: 'auto', class: quotes ? 'says-so' : ''}, named || fixed || t.answer);
  if (!named && !fixed) heading.className = 'unseen';
  const {warning} = reply;
  const above = [
    warning && make('p', {class: 'urgent', part: 'urgent'}, clean(warning.text)),
    callLines(each(warning?.numbers), t),
  ];
  const note = !quotes && clean(reply.note) && make('p', {class: 'soft', lang: 'en', dir: 'auto'}, clean(reply.note));
  const about = drawAbout(reply, t, where, show);
  const home = quotes && make('p', {class: 'home'}, linkHome(reply, clean(reply.title), clean(reply.title), t, where, show));
  const body = danger ? [...drawDanger(reply, t, country, heading), about] : [heading, note, ...drawUsual(reply, t, country, pick, home, about)];
  const actions = reply.article && [
    make('button', {...PRESS, class: 'quick', 'aria-label': t.copy_answer, click: copy}, t.copy_one),
    linkHome(reply, t.link, t.link_answer, t, where, show),
  ];
  const ask = where.language.startsWith('en') ? clean(reply.feedback?.ask) : ''; // editors write English
  const votes = reply.feedback && typeof reply.id === 'string';
  const beside = (actions || []).filter((item) => item.textContent && item.tagName !== 'BDI');
  return make(
    'article',
    {class: `card ${danger ? 'danger' : ''}`, part: `card ${danger ? 'danger' : ''}`, 'aria-labelledby': heading.id, tabindex: -1},
    ...above,
    ...body,
    votes ? drawFeedback(reply, {...t, helpful: ask || t.helpful}, given, vote, beside) : actions && make('div', {class: 'row foot'}, ...beside),
    !warning && reply.emergency && urgent(clean(reply.emergency.text)),
  );
}

/** @param {Reply} reply */
const isDanger = ({kind}) => kind === 'emergency' || kind === 'crisis';

/** Sentences of a page that are quoted, and no ready answer.
 * @param {Reply} reply */
const isPassage = ({kind}) => kind === 'passage';

/** The call button, one sentence, the rest; in a crisis the kind sentence first.
 * @param {Reply} reply @param {Texts} t @param {string} country @param {HTMLElement} heading */
function drawDanger(reply, t, country, heading) {
  const sources = each(reply.sources);
  const numbers = each(reply.numbers);
  const [one, rest] = parted(clean(reply.text), reply.kind);
  // How many lines come before all else: those that the first sentence names, as "112, 911 or 999" without a country.
  const other = numbers.findIndex(({number}) => !one.split(/\D+/).includes(clean(number)));
  const first = reply.kind === 'crisis' ? 0 : Math.max(1, other < 0 ? numbers.length : other);
  const sentence = prose(one, sources, t, reply.language);
  sentence.classList.add('lead');
  return [
    callFirst(numbers.slice(0, first), t),
    !numbers.length && urgentLine(country, t),
    heading,
    sentence,
    reply.kind === 'crisis' && callLines(numbers, t),
    rest && prose(rest, sources, t, reply.language),
    reply.kind !== 'crisis' && callLines(numbers.slice(first), t),
    reply.more && prose(reply.more, sources, t),
  ];
}

/** The text, "More" and the next questions, and the sources; of a passage where it stands.
 * @param {Reply} reply @param {Texts} t @param {string} country @param {(choice: Choice) => void} pick
 * @param {Node | false} home @param {Node | null} about */
function drawUsual(reply, t, country, pick, home, about) {
  const sources = each(reply.sources);
  const numbers = each(reply.numbers);
  const {rest, more} = drawMore(reply, sources, t, (open) => cites.show(open));
  const cites = drawSources(sources, clean(reply.text), t);
  cites.show(!rest);
  const asksBack = reply.kind === 'clarify';
  const next = choiceList(asksBack ? t.which : t.next, each(reply.choices), pick);
  const instead = drawChoices(t.not_meant, each(reply.instead), pick);
  const text = prose(reply.text, sources, t, reply.language);
  const last = text.lastElementChild;
  if (more) (last?.tagName === 'P' ? last : text).append(' ', more);
  return [
    home ? make('blockquote', {}, text) : text,
    home,
    callLines(numbers, t),
    instead,
    reply.kind === 'unavailable' && !numbers.length && urgentLine(country, t),
    rest,
    next && make('div', {class: reply.kind === 'answer' || isPassage(reply) ? 'chips' : ''}, next),
    make('div', {class: 'about'}, cites.all, about),
  ];
}

/** The whole reply as plain text.
 * @param {Reply} reply @param {Texts} t @param {Where} where @returns {string} */
function replyText(reply, t, where) {
  const sources = each(reply.sources).map(({n, title, url, says, checked}) => {
    const said = new Set([...each(says).map(({states}) => clean(states)), clean(checked)]);
    return [`[${n}] ${clean(title)} ${clean(url)}`, ...said].filter(Boolean).join('\n    ');
  });
  return [
    reply.warning && replyText(reply.warning, t, where),
    !isPassage(reply) && (clean(reply.title) || t[reply.kind] || t.answer),
    clean(reply.note),
    clean(reply.text),
    isPassage(reply) && clean(reply.title),
    ...each(reply.numbers).map(({label, number}) => `${clean(label)} ${clean(number)}`),
    clean(reply.more),
    sources.length > 0 && `${t.sources}\n${sources.join('\n')}`,
    reply.article && reviewLines(reply.article, t, where.language).join(' ').trim(),
    clean(reply.disclaimer),
    clean(reply.emergency?.text),
  ].filter(Boolean).join('\n\n');
}

// ---- the server

/** Why a request failed: `code` is offline, timeout, limited, ended, refused or failed. */
class Trouble extends Error {
  /** @param {string} code @param {{status?: number, sentence?: string, seconds?: number}} [details] */
  constructor(code, {status = 0, sentence = '', seconds = 0} = {}) {
    super(sentence || code);
    this.code = code;
    this.status = status;
    this.sentence = sentence;
    this.seconds = seconds;
  }
}

/**
 * Anything but an object is a Trouble.
 * @param {string} method @param {URL} url @param {{token?: string, body?: object, signal: AbortSignal}} with_
 * @returns {Promise<Record<string, any>>}
 */
async function call(method, url, {token, body, signal}) {
  const limit = new AbortController();
  const clock = setTimeout(() => limit.abort(), PATIENCE);
  const stop = () => limit.abort();
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  let response, answer;
  try {
    response = await fetch(url, {
      method,
      headers: {
        ...(token && {Authorization: `Bearer ${token}`}),
        ...(body && {'Content-Type': 'application/json'}),
      },
      body: body && JSON.stringify(body),
      credentials: 'omit',
      referrerPolicy: 'origin', // never the page's path: it may name the symptom
      signal: limit.signal,
    });
    answer = await response.json();
  } catch {
    if (response && !limit.signal.aborted) answer = null; // a page of HTML, or nothing at all
    else throw new Trouble(limit.signal.aborted ? 'timeout' : navigator.onLine ? 'failed' : 'offline');
  } finally {
    clearTimeout(clock);
    signal.removeEventListener('abort', stop);
  }
  if (response.ok && answer && typeof answer === 'object') return answer;
  const {status, headers} = response;
  const {message, emergency} = answer?.error ?? {};
  const sentence = message && clean(`${message} ${emergency?.text ?? ''}`).trim();
  const seconds = Math.min(Math.max(Number(headers.get('Retry-After')) || 10, 2), 3600); // "1 seconds" is no English
  const refused = [400, 413, 415, 422].includes(status) && sentence;
  const code = status === 401 ? 'ended' : status === 429 ? 'limited' : refused ? 'refused' : 'failed';
  throw new Trouble(code, {status, sentence, seconds});
}

// ---- the element

export class SymptomChat extends HTMLElement {
  static observedAttributes = ['article', 'country', 'days', 'heading', 'language', 'mode', 'open', 'remember', 'server'];

  /** @type {Entry[]} */
  #entries = [];
  /** What each entry is drawn as.
   * @type {WeakMap<Entry, HTMLElement>} */
  #items = new WeakMap();
  /** @type {Message[]} */
  #outbox = [];
  /** @type {Session | null} */
  #session = null;
  /** @type {Trouble | null} */
  #trouble = null;
  /** @type {Texts} */
  #own = {};
  #turn = ''; // the last turn that the server listed
  #missed = false; // there may be turns on the server that are not shown here
  #sending = false;
  #resumed = false;
  #wasOpen = false;
  #quiet = false; // what is drawn is not to be read out
  /** What came while the panel was closed.
   * @type {Entry[]} */
  #unread = [];
  /** What turns speech into text, while it listens.
   * @type {any} */
  #voice = null;
  /** What visitors set in the menu. */
  #set = {large: false, full: false, aloud: false, speak: false};
  #life = new AbortController(); // ends with the conversation: what then still arrives is dropped
  #page = new AbortController(); // ends when the element leaves the page
  #phone = matchMedia('(max-width: 30em), (max-height: 26em)');
  #root = this.attachShadow({mode: 'open'});

  // The parts of the panel, made by #build.
  #launcher = make('button');
  /** @type {HTMLElement} */
  #panel = make('div');
  #log = make('div');
  #status = make('p');
  #input = make('textarea');
  #fault = make('p');
  #announcement = make('p');
  #spoken = make('p');
  #alarm = make('p');
  #menu = make('div');

  connectedCallback() {
    this.#root.adoptedStyleSheets = [STYLES];
    if (Object.hasOwn(this, 'texts')) {
      const early = this.texts; // set before this script had loaded
      Reflect.deleteProperty(this, 'texts');
      this.#own = early;
    }
    this.#page = new AbortController();
    const {signal} = this.#page;
    addEventListener('online', () => this.#send(), {signal});
    addEventListener('storage', (event) => this.#followOtherTab(event), {signal});
    document.addEventListener('visibilitychange', () => !document.hidden && this.#send(), {signal});
    this.#phone.addEventListener('change', () => this.#show(), {signal});
    visualViewport?.addEventListener('resize', () => this.#fit(), {signal});
    visualViewport?.addEventListener('scroll', () => this.#fit(), {signal});
    document.addEventListener('click', (event) => this.#followLink(event), {signal});
    document.addEventListener('keydown', (event) => this.#followKeys(event), {signal});
    document.addEventListener('pointerdown', (event) => this.#closeMenu(event), {signal});
    addEventListener('pagehide', () => this.#leave(), {signal});
    if (this.#phone.matches) this.removeAttribute('open');
    if (this.#wasLeftOpen()) this.open = true;
    this.#build();
  }

  disconnectedCallback() {
    this.#page.abort();
    this.#hush();
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (!this.#root.firstChild || before === after) return;
    if (name === 'article' || name === 'server') this.#clear(); // another conversation
    if (name === 'open') this.#show();
    else this.#build();
  }

  get open() {
    return this.hasAttribute('open');
  }
  set open(open) {
    this.toggleAttribute('open', open);
  }

  /** The words in use; assign some or all of them to replace them, `dir: 'rtl'` too. */
  get texts() {
    return {...TEXTS, ...this.#own};
  }
  set texts(texts) {
    this.#own = {...texts};
    if (this.#root.firstChild) this.#build();
  }

  /** The language of the words in use: a site says that of its own; ours are English. */
  #language() {
    const named = Object.keys(this.#own).length > 0 && this.getAttribute('language');
    try {
      return Intl.getCanonicalLocales(named || 'en')[0];
    } catch {
      return 'en';
    }
  }

  get #floating() {
    return this.getAttribute('mode') !== 'inline';
  }
  /** Two capital letters, or nothing. */
  get #country() {
    const asked = (this.getAttribute('country') ?? '').trim().toUpperCase();
    const code = {UK: 'GB', EL: 'GR', USA: 'US'}[asked] ?? asked;
    return /^[A-Z]{2}$/.test(code) && new Intl.DisplayNames('en', {type: 'region', fallback: 'none'}).of(code) ? code : '';
  }

  /** A link to this element's id, as a page's skip link, opens the chat at its input.
   * @param {MouseEvent} event */
  #followLink(event) {
    const to = event.target instanceof Element && event.target.closest('a');
    if (!to || !this.id || to.href !== new URL(`#${this.id}`, document.baseURI).href) return;
    event.preventDefault();
    this.open = true;
    this.#focus();
  }

  /** Alt+Shift+C opens the chat at its input, too; where somebody writes, the keys are that text's own.
   * @param {KeyboardEvent} event */
  #followKeys(event) {
    const {key, code, altKey, shiftKey, ctrlKey, metaKey} = event;
    const [at] = event.composedPath();
    const writes = at instanceof HTMLElement && (at.isContentEditable || at.matches('input, select, textarea'));
    const letter = /^[a-z]$/i.test(key) ? key.toUpperCase() : code.slice(3); // a Mac writes another sign with Alt
    if (letter !== 'C' || !altKey || !shiftKey || ctrlKey || metaKey || writes || event.defaultPrevented) return;
    event.preventDefault(); // a second chat on the page stays as it is
    this.open = true;
    this.#focus();
  }

  /** A panel that is open when its page is left is open again in this tab. Only then is it noted.
   * Without a conversation nothing is. */
  #leave() {
    try {
      const kept = this.#storage() && this.#session && this.open && this.#floating;
      if (kept) sessionStorage.setItem('symptom-chat open', this.#key());
    } catch {
      // full or refused: it is closed then
    }
  }
  #wasLeftOpen() {
    try {
      const left = this.#storage() && sessionStorage.getItem('symptom-chat open');
      if (left) sessionStorage.removeItem('symptom-chat open');
      return this.#floating && left === this.#key();
    } catch {
      return false; // storage is refused
    }
  }

  // ---- what is seen

  #build() {
    const t = this.texts;
    const country = this.getAttribute('country');
    if (country && !this.#country) {
      console.error(`symptom-chat: country="${country}" is no country; write two letters of ISO 3166, as GB, US or DE`);
    }
    const floating = this.#floating;
    const heading = clean(this.getAttribute('heading')) || t.heading;
    const typed = this.#input.value;
    this.#panel.remove();
    const keys = {title: 'Alt+Shift+C', 'aria-keyshortcuts': 'Alt+Shift+C'};
    const start = {type: 'button', class: 'launcher', part: 'launcher', ...keys, click: () => (this.open = true)};
    const walk = (/** @type {KeyboardEvent} */ event) => this.#walk(event);
    this.#launcher = make('button', start, icon(ICONS.chat), make('span', {}, heading));
    // What comes is read out by two regions of their own: the answer's text, without sources and buttons.
    const log = {role: 'log', 'aria-live': 'off', 'aria-label': t.log, tabindex: 0};
    this.#log = make('div', {class: 'log', part: 'log', ...log, keydown: walk});
    this.#spoken = make('p', {class: 'unseen', 'aria-live': 'polite'});
    this.#alarm = make('p', {class: 'unseen', 'aria-live': 'assertive'});
    this.#status = make('p', {class: 'status', part: 'status', role: 'status'});

    this.#menu = make('div', {class: 'menu', part: 'menu', hidden: true, id: 'menu'});
    const title = make('h2', {id: 'heading', tabindex: '-1'}, heading);
    const bare = {...PRESS, class: 'bare'};
    const flip = () => this.#openMenu(this.#menu.hasAttribute('hidden'));
    const says = {id: 'menu-button', 'aria-label': t.menu, 'aria-expanded': 'false', 'aria-controls': 'menu'};
    const toggle = make('button', {...bare, ...says, click: flip}, icon(ICONS.menu));
    const shut = make('button', {...bare, 'aria-label': t.close, click: () => (this.open = false)}, icon(ICONS.close));
    const header = make('div', {class: 'header', part: 'header'}, title, toggle, floating && shut, this.#menu);

    const ask = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.#ask();
    };
    const keydown = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) ask(event);
      if (event.key === 'ArrowUp' && !this.#input.value) this.#walk(event);
    };
    const box = {id: 'input', part: 'input', rows: 1, placeholder: t.placeholder, dir: 'auto', 'aria-describedby': 'fault'};
    this.#input = make('textarea', {...box, keydown});
    this.#input.value = typed;
    this.#fault = make('p', {class: 'fault', id: 'fault', role: 'alert'});
    this.#announcement = make('p', {class: 'announcement', role: 'status'});
    const label = make('label', {for: 'input', class: 'unseen'}, t.input);
    const send = make('button', {class: 'send', part: 'send', 'aria-label': t.send}, icon(ICONS.send));
    const field = make('div', {class: 'field'}, label, this.#input, send);
    const form = make('form', {class: 'composer', part: 'composer', submit: ask}, this.#fault, this.#announcement, field);

    const leave = (/** @type {KeyboardEvent} */ event) => {
      if (event.type === 'keydown' && event.key !== 'Escape') return;
      event.preventDefault();
      if (!this.#menu.hidden) this.#openMenu(false);
      else this.open = false;
    };
    const shell = {class: 'panel', part: 'panel', 'aria-labelledby': 'heading', dir: t.dir, lang: this.#language()};
    const talk = make('div', {class: 'talk'}, this.#opening(t), this.#log, this.#status);
    this.#panel = make(floating ? 'dialog' : 'section', {...shell, cancel: leave, keydown: leave}, header, talk, this.#spoken, this.#alarm, form);
    this.#panel.classList.toggle('large', this.#set.large);
    this.#panel.classList.toggle('full', this.#set.full);
    this.#root.replaceChildren(...(floating ? [this.#launcher, this.#panel] : [this.#panel]));
    this.#quietly(() => this.#entries.forEach((entry) => this.#draw(entry)));
    this.#drawTrouble();
    this.#drawUnread();
    this.#show();
  }

  /** All of it is in the page or in this file: it costs no request.
   * @param {Texts} t */
  #opening(t) {
    const days = Number(this.getAttribute('days'));
    const kept = days > 0 ? fill(t.kept_days, {days: String(days)}).join('') : t.kept_some;
    return make(
      'div',
      {class: 'opening', part: 'opening'},
      make('p', {class: 'greeting'}, t.greeting),
      make('p', {class: 'notice', part: 'notice'}, ...fill(t.notice, {kept})),
      urgentLine(this.#country, t),
      drawChoices(t.starters, this.#starters(), (choice) => this.#pick(choice)),
    );
  }

  /** @returns {Choice[]} the page's own starter questions */
  #starters() {
    const options = [...this.querySelectorAll('datalist option')];
    return options.map((option) => ({title: option.textContent?.trim() ?? '', value: option.getAttribute('value') ?? ''}));
  }

  #show() {
    const {open} = this;
    this.#hush();
    const changed = open !== this.#wasOpen;
    this.#wasOpen = open;
    if (this.#panel instanceof HTMLDialogElement) {
      const focused = this.#root.activeElement;
      if (this.#panel.open) this.#panel.close();
      // Full screen on a phone: what is behind must be out of reach. Elsewhere the page stays usable;
      // `open` instead of show(), which would take the focus of a page that is only loading.
      if (open && this.#phone.matches) this.#panel.showModal();
      else this.#panel.open = open;
      this.#launcher.hidden = open;
      this.#fit();
      if (changed && open && (this.#launcher === focused || document.activeElement === this)) this.#focus();
      else if (changed && !open && focused) this.#launcher.focus();
      else if (focused instanceof HTMLElement) focused.focus();
    }
    if (open && this.#unread.length) {
      const asked = this.#entries.slice(0, this.#entries.indexOf(this.#unread[0]) + 1).findLast(({is}) => is === 'you');
      const item = asked && this.#items.get(asked);
      if (item) this.#reveal(item);
      this.#unread = [];
      this.#drawUnread();
    }
    if (!this.#floating || open) this.#resume();
    if (changed) this.#tell(open ? 'open' : 'close', {});
  }

  /** To the input; not on a touch screen, whose keyboard would cover what there is to read. */
  #focus() {
    const touch = matchMedia('(pointer: coarse)').matches;
    (touch ? this.#root.getElementById('heading') : this.#input)?.focus({preventScroll: true});
  }

  /** How many answers came while it was closed, on the launcher. */
  #drawUnread() {
    const count = String(this.#unread.length);
    this.#launcher.querySelectorAll('.badge, .unseen').forEach((old) => old.remove());
    if (count === '0') return;
    const words = fill(this.texts.unread, {count}).join('');
    this.#launcher.append(make('span', {class: 'badge', 'aria-hidden': 'true'}, count), make('span', {class: 'unseen'}, ` ${words}`));
  }

  /** The arrow keys go from one thing of the transcript to the next, and past the last to the input.
   * @param {KeyboardEvent} event */
  #walk(event) {
    const at = event.target instanceof Element ? event.target : null;
    const step = {ArrowUp: -1, ArrowDown: 1}[event.key];
    if (!step || (at !== this.#input && at?.closest('textarea'))) return;
    const items = [...this.#log.querySelectorAll('.entry')];
    const here = at === this.#input ? items.length : at === this.#log ? (step < 0 ? items.length : -1) : items.findIndex((item) => item.contains(at));
    const next = items[here + step];
    if (next instanceof HTMLElement) {
      event.preventDefault();
      (next.querySelector('article') ?? next).focus({preventScroll: true});
      this.#reveal(next);
    } else if (step > 0) this.#input.focus();
  }

  /** By the input, where it is seen.
   * @param {string} text @param {HTMLElement} [fault]  where it is one */
  #say(text, fault = this.#announcement) {
    this.#announcement.textContent = this.#fault.textContent = '';
    fault.textContent = text;
  }

  /** @param {HTMLElement} section */
  #showSection(section) {
    if (this.#panel.matches(':modal')) this.open = false; // it covers the page
    showSection(section);
  }

  /** Reads a reply's text out to a screen reader, and to all where that was asked for.
   * @param {Reply} reply */
  #speak(reply) {
    const danger = isDanger(reply);
    const words = [reply.warning?.text, danger && this.texts[reply.kind], reply.note, reply.text].map(clean).filter(Boolean);
    const text = flat(words.join(' '));
    if (danger) this.#alarm.textContent = text;
    else this.#spoken.append(make('span', {}, `${text} `));
    if (!this.#set.aloud) return;
    const said = new SpeechSynthesisUtterance(text);
    said.lang = reply.language ?? 'en';
    speechSynthesis.speak(said);
  }

  /** Keeps the full screen above a phone's keyboard. */
  #fit() {
    const view = visualViewport;
    if (!view || view.scale > 1.01) return; // zoomed in by hand
    this.#panel.style.setProperty('--_room', `${view.height}px`);
    this.#panel.style.setProperty('--_top', `${view.offsetTop}px`);
  }

  /** @param {Entry} entry */
  #draw(entry) {
    const t = this.texts;
    const item = make('div', {class: `entry ${entry.is}`, tabindex: -1});
    if (entry.is === 'you') {
      const bubble = make('p', {class: 'bubble', part: 'you', dir: 'auto'}, clean(entry.text));
      item.append(make('span', {class: 'unseen'}, t.you), bubble);
    } else if (entry.is === 'note') {
      item.append(make('p', {class: 'note', part: 'note', tabindex: '-1'}, entry.text));
    } else {
      const {reply} = entry;
      item.removeAttribute('tabindex'); // its card has one
      item.append(
        drawReply(reply, t, {
          where: this.#where(),
          country: this.#country,
          given: this.#session?.votes?.[reply.id],
          pick: (choice) => this.#pick(choice),
          vote: this.#vote.bind(this, this.#life.signal),
          copy: () => this.#copy(`${replyText(reply, t, this.#where())}\n\n${homeOf(reply, this.#where())}`),
          show: (section) => this.#showSection(section),
        }),
      );
    }
    const next = this.#items.get(this.#entries[this.#entries.indexOf(entry) + 1]);
    this.#items.set(entry, item);
    if (next?.parentNode === this.#log) next.before(item);
    else this.#log.append(item);
    return item;
  }

  /** @param {Entry} entry @param {boolean} [fresh]  it has just come @param {number} [at]  its place among the entries */
  #add(entry, fresh, at = this.#entries.length) {
    this.#entries.splice(at, 0, entry);
    const item = this.#draw(entry);
    if (!fresh || entry.is !== 'reply') return item;
    if (this.#floating && !this.open) {
      this.#unread.push(entry);
      this.#drawUnread();
      if (isDanger(entry.reply)) this.open = true;
    }
    if (!this.#quiet) this.#speak(entry.reply);
    return item;
  }

  /** Draws without having it all read aloud.
   * @param {() => void} draw */
  #quietly(draw) {
    this.#quiet = true;
    draw();
    this.#quiet = false;
  }

  /** A long answer is read from its first line.
   * @param {HTMLElement} element */
  #reveal(element) {
    const room = this.#scroller;
    const top = room.scrollTop + element.getBoundingClientRect().top - room.getBoundingClientRect().top - 8;
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    room.scrollTo({top, behavior: still ? 'auto' : 'smooth'});
  }

  /** The transcript; where there is little height, the whole panel. */
  get #scroller() {
    const talk = this.#log.parentElement ?? this.#panel;
    return getComputedStyle(talk).overflowY === 'visible' ? this.#panel : talk;
  }

  #drawTrouble() {
    this.#log.querySelector('.trouble')?.remove();
    if (!this.#trouble) return;
    const t = this.texts;
    const {code, seconds} = this.#trouble;
    const words = fill(this.#missed ? t.resume_failed : (t[code] ?? t.failed), {seconds: String(seconds)});
    const click = () => {
      this.#focus();
      this.#send();
    };
    const again = make('button', {...PRESS, class: 'small strong', click}, t.retry);
    const card = make('div', {class: 'trouble', part: 'trouble', role: 'group', 'aria-label': t.unavailable});
    card.append(make('p', {}, ...words), again, urgentLine(this.#country, t));
    this.#log.append(card);
    this.#spoken.textContent = card.firstElementChild?.textContent ?? '';
    this.#reveal(card);
  }

  // ---- asking

  #ask() {
    const t = this.texts;
    const text = this.#input.value.trim();
    const count = [...text].length;
    this.#hush();
    this.#say(count > LONGEST ? fill(t.too_long, {count: String(count)}).join('') : '', this.#fault);
    this.#input.setAttribute('aria-invalid', String(count > LONGEST));
    if (!text || count > LONGEST) return this.#input.focus();
    this.#input.value = '';
    this.#queue({id: newId(), text}, text);
  }

  /** @param {Choice} choice */
  #pick({title, value}) {
    this.#queue({id: newId(), choice: value, title}, title);
  }

  /** @param {Message} message @param {string} shown */
  #queue(message, shown) {
    this.#outbox.push(message);
    this.#remember();
    this.#spoken.textContent = this.#alarm.textContent = '';
    this.#log.querySelector('.undo')?.remove(); // a new conversation has begun
    this.#reveal(this.#add({is: 'you', id: message.id, text: shown}));
    this.#tell('message', {id: message.id});
    this.#send();
  }

  /** Catches up, then sends what waits, one after the other. */
  async #send() {
    if (this.#sending || !(this.#outbox.length || this.#missed)) return;
    const life = this.#life;
    this.#sending = true;
    this.#trouble = null;
    this.#drawTrouble();
    const stop = this.#working();
    try {
      if (this.#missed) await this.#catchUp();
      if (life !== this.#life) return;
      for (const {id, text, title} of this.#outbox) {
        const known = this.#entries.some((entry) => entry.is === 'you' && entry.id === id);
        if (!known) this.#add({is: 'you', id, text: clean(title ?? text)});
      }
      while (this.#outbox.length) {
        const message = this.#outbox[0];
        const replies = await this.#deliver(message);
        if (life !== this.#life) return;
        this.#outbox.shift();
        if (this.#session) Object.assign(this.#session, {last: message.id, until: Date.now() + this.#session.lasts});
        this.#remember();
        this.#receive(message, replies);
      }
    } catch (error) {
      if (life === this.#life) this.#fail(error instanceof Trouble ? error : new Trouble('failed'));
    } finally {
      stop();
      if (life === this.#life) this.#sending = false;
    }
    if (!this.#trouble) this.#send(); // what was asked since
  }

  /** @param {Trouble} trouble */
  #fail(trouble) {
    this.#tell('error', {code: trouble.code, status: trouble.status});
    if (trouble.code === 'refused' && !this.#missed) {
      const refused = this.#outbox.shift();
      this.#remember();
      this.#reveal(this.#add({is: 'note', text: trouble.sentence || this.texts.refused}));
      if (refused?.text && !this.#input.value) this.#input.value = refused.text; // to be put another way
      return;
    }
    this.#trouble = trouble;
    this.#drawTrouble();
  }

  /** @param {Message} message @param {Reply[]} replies */
  #receive(message, replies) {
    const shown = new Set(this.#entries.map((entry) => (entry.is === 'reply' ? entry.reply.id : '')));
    const asked = this.#entries.findIndex((entry) => entry.is === 'you' && entry.id === message.id);
    const following = this.#entries.findIndex((entry, at) => at > asked && entry.is === 'you');
    let at = following < 0 ? this.#entries.length : following; // below its question, whatever was asked since
    for (const reply of replies) {
      if (reply.id && shown.has(reply.id)) continue; // another tab's delivery of the same message
      this.#add({is: 'reply', reply}, true, at++);
      this.#tell('answer', {message: message.id, reply: reply.id, kind: reply.kind, question: reply.question ?? null});
    }
    const item = this.#items.get(this.#entries[asked]);
    if (item) this.#reveal(item);
    const forgotten = replies.find(({topic}) => topic === 'forgotten');
    if (forgotten) this.#forget(clean(forgotten.text));
  }

  /** The server's replies, never none. A session that has ended is replaced by a new one, once.
   * @param {Message} message @returns {Promise<Reply[]>} */
  async #deliver({id, text, choice}) {
    const post = async () => {
      /** @type {Trouble | undefined} */
      let refused;
      const session = await this.#converse().catch((error) => {
        if (error.code !== 'limited') throw error;
        refused = error; // a danger is answered all the same
      });
      const body = {id, text, choice, country: this.#country || undefined};
      const asked = {token: session?.token, body, signal: this.#life.signal};
      const {replies} = await call('POST', this.#url('messages'), asked).catch((error) => {
        throw refused ?? error;
      });
      if (!each(replies).length) throw new Trouble('failed');
      return each(replies);
    };
    try {
      return await post();
    } catch (error) {
      if (!(error instanceof Trouble) || error.code !== 'ended') throw error;
      this.#session = null;
      this.#remember();
      this.#add({is: 'note', text: this.texts.ended});
      return post().catch((again) => {
        throw again instanceof Trouble && again.code === 'ended' ? new Trouble('failed', again) : again;
      });
    }
  }

  /** The session, opened at the first message. Two tabs that open one at the same time share it. */
  async #converse() {
    if (this.#session) return this.#session;
    const open = async () => {
      const kept = this.#recall();
      if (kept?.token) return (this.#session = kept);
      const asked = {article: this.getAttribute('article'), country: this.#country, language: this.#language().slice(0, 20)};
      const body = Object.fromEntries(Object.entries(asked).filter(([, value]) => value));
      const opened = await call('POST', this.#url('conversations'), {body, signal: this.#life.signal});
      if (typeof opened.token !== 'string' || !/^[\x21-\x7e]+$/.test(opened.token)) throw new Trouble('failed');
      const until = Date.parse(opened.expires_at);
      this.#session = {token: opened.token, lasts: until - Date.now(), until, last: '', pending: []};
      this.#turn = '';
      this.#remember();
      return this.#session;
    };
    try {
      if (navigator.locks && this.#storage()) return await navigator.locks.request(this.#key(), open);
    } catch (error) {
      if (error instanceof Trouble) throw error; // else locks are refused, as storage can be
    }
    return open();
  }

  /** @returns {() => void} what ends it */
  #working() {
    const t = this.texts;
    const words = make('span', {}, t.working);
    this.#status.replaceChildren(make('span', {class: 'dots'}), words);
    const later = setTimeout(() => words.replaceChildren(t.still), STILL);
    return () => {
      clearTimeout(later);
      this.#status.replaceChildren();
    };
  }

  /** @param {AbortSignal} signal @param {Vote} vote @returns {Promise<string>} */
  async #vote(signal, vote) {
    try {
      const token = this.#session?.token;
      const answer = await call('POST', this.#url('feedback'), {token, body: vote, signal});
      if (this.#session) (this.#session.votes ??= {})[vote.reply] = vote.helpful;
      this.#remember();
      this.#tell('feedback', {reply: vote.reply, helpful: vote.helpful, reason: vote.reason ?? null});
      return (this.#language().startsWith('en') && clean(answer.text)) || this.texts.thanks;
    } catch (error) {
      const {code, status} = error instanceof Trouble ? error : new Trouble('failed');
      this.#tell('error', {code, status});
      throw error;
    }
  }

  /** @param {string} path */
  #url(path) {
    return new URL(`api/${path}`, this.#where().server);
  }

  /** @returns {Where} */
  #where() {
    const server = this.getAttribute('server')?.replace(/\/*$/, '/') || new URL('.', import.meta.url).href;
    const base = document.baseURI;
    return {language: this.#language(), server: URL.canParse(server, base) ? new URL(server, base).href : 'about:blank'};
  }

  /** @param {string} name @param {object} detail */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`symptom-chat:${name}`, {detail, bubbles: true, composed: true}));
  }

  // ---- what the device keeps: the session's token and what waits to be sent

  #key() {
    return `symptom-chat ${this.#url('').href} ${this.getAttribute('article') ?? ''}`;
  }

  /** @returns {Storage | null} */
  #storage() {
    const kept = this.getAttribute('remember') ?? 'device';
    try {
      return kept === 'device' ? localStorage : kept === 'tab' ? sessionStorage : null;
    } catch {
      return null; // refused by the browser: it then lasts as long as the page
    }
  }

  /** @param {string} [key] @returns {Session | null} */
  #recall(key = this.#key()) {
    try {
      const kept = JSON.parse(this.#storage()?.getItem(key) ?? 'null');
      if (!kept || typeof kept !== 'object') return null;
      const token = typeof kept.token === 'string' && /^[\x21-\x7e]+$/.test(kept.token) ? kept.token : '';
      const [lasts, until] = [Number(kept.lasts) || 0, Number(kept.until) || 0];
      const pending = each(kept.pending).filter((/** @type {any} */ m) => typeof m.id === 'string');
      const votes = Object.entries(kept.votes ?? {}).filter(([, vote]) => typeof vote === 'boolean');
      const given = votes.length > 0 && {votes: Object.fromEntries(votes)};
      return {token: until > Date.now() ? token : '', lasts, until, last: clean(kept.last), pending, ...given};
    } catch {
      return null;
    }
  }

  #remember() {
    const kept = {...this.#session, pending: this.#outbox};
    try {
      if (this.#session || this.#outbox.length) this.#storage()?.setItem(this.#key(), JSON.stringify(kept));
      else this.#storage()?.removeItem(this.#key());
    } catch {
      // full or refused: as above
    }
  }

  /** Once, when the chat is first seen. */
  #resume() {
    const kept = !this.#resumed && this.#recall();
    this.#resumed = true;
    if (!kept) return;
    this.#outbox = kept.pending;
    if (kept.token) this.#session = kept;
    this.#missed = Boolean(kept.token);
    this.#send();
  }

  async #catchUp() {
    const life = this.#life;
    const url = this.#url('messages');
    const first = !this.#entries.length;
    this.#missed = false;
    let more = true;
    for (let after = this.#turn; more; ) {
      if (after) url.searchParams.set('after', after);
      const answer = await call('GET', url, {token: this.#session?.token, signal: life.signal}).catch((error) => {
        this.#missed = error.code !== 'ended';
        if (this.#missed) throw error;
        this.#session = null;
        this.#remember();
        this.#add({is: 'note', text: this.texts.ended});
      });
      if (life !== this.#life) return;
      const turns = each(answer?.turns);
      this.#addTurns(turns, first);
      const last = clean(turns.at(-1)?.id);
      more = answer?.more === true && Number(last) > Number(after); // a page that leads nowhere is the last
      after = last;
    }
    const last = this.#log.lastElementChild;
    if (last instanceof HTMLElement) this.#reveal(last);
  }

  /** A page of the server's turns, below what is shown; those that are shown already are left out.
   * @param {any[]} listed @param {boolean} quiet */
  #addTurns(listed, quiet) {
    const turns = listed.filter((turn) => each(turn.replies).length); // an open one is sent again by its tab
    const known = new Set(this.#entries.map((entry) => entry.is === 'you' && entry.id));
    const draw = () => {
      if (turns.length && !this.#entries.length) this.#add({is: 'note', text: this.texts.resumed});
      for (const turn of turns) {
        const replies = each(turn.replies);
        this.#turn = clean(turn.id);
        if (known.has(turn.message)) continue;
        this.#add({is: 'you', id: clean(turn.message), text: clean(turn.text) || this.#titleOf(turn.choice, replies)});
        for (const reply of replies) this.#add({is: 'reply', reply}, !quiet);
      }
    };
    if (quiet) this.#quietly(draw);
    else draw();
  }

  /** @param {string} choice @param {Reply[]} replies  what it got */
  #titleOf(choice, replies) {
    const offered = this.#entries.flatMap((entry) => (entry.is === 'reply' ? [...each(entry.reply.instead), ...each(entry.reply.choices)] : []));
    const found = [...this.#starters(), ...offered].find(({value}) => value === choice);
    return clean(found?.title) || clean(replies[0].title) || clean(choice);
  }

  /** @param {StorageEvent} event */
  #followOtherTab(event) {
    if ((event.key && event.key !== this.#key()) || !this.#resumed) return;
    const kept = this.#recall();
    if (!kept) {
      if (this.#session) this.#end(this.texts.ended_elsewhere);
    } else if (kept.token && kept.last !== this.#session?.last) {
      this.#session = kept;
      this.#missed = true;
      this.#send();
    }
  }

  // ---- the menu

  /** By a click beside it.
   * @param {PointerEvent} event */
  #closeMenu(event) {
    const path = event.composedPath();
    const toggle = this.#root.getElementById('menu-button');
    if (!this.#menu.hidden && !path.includes(this.#menu) && toggle && !path.includes(toggle)) this.#openMenu(false, false);
  }

  /** @param {boolean} open @param {boolean} [focus] */
  #openMenu(open, focus = true) {
    const t = this.texts;
    const toggle = this.#root.getElementById('menu-button');
    const item = (/** @type {string} */ text, /** @type {() => void} */ act) =>
      make('button', {...PRESS, click: act}, text);
    const done = (/** @type {() => void} */ act) => () => {
      this.#openMenu(false);
      act();
    };
    this.#menu.hidden = !open;
    toggle?.setAttribute('aria-expanded', String(open));
    const {large, full, aloud, speak} = this.#set;
    const turn = (/** @type {'large' | 'full'} */ name) => {
      this.#set[name] = !this.#set[name];
      this.#panel.classList.toggle(name, this.#set[name]);
    };
    const sure = (/** @type {string} */ question, /** @type {string} */ no, /** @type {string} */ yes, /** @type {() => void} */ act) => {
      const keep = item(no, done(() => {}));
      const asked = make('p', {id: 'sure'}, question);
      const choice = make('div', {class: 'sure', role: 'group', 'aria-labelledby': 'sure'}, asked, keep, item(yes, done(act)));
      this.#menu.replaceChildren(choice);
      keep.focus();
    };
    const wide = this.#floating && !this.#phone.matches;
    const extras = [
      item(large ? t.smaller : t.larger, done(() => turn('large'))),
      wide && item(full ? t.window : t.full, done(() => turn('full'))),
      'speechSynthesis' in window && item(aloud ? t.silent : t.aloud, done(() => this.#readAloud())),
      RECOGNITION && item(t.speak, speak ? done(() => this.#listen()) : () => sure(t.speak_sure, t.speak_no, t.speak_yes, () => this.#listen())),
    ];
    this.#menu.replaceChildren(
      item(t.copy, done(() => this.#copy(this.#transcript()))),
      item(t.print, done(() => this.#print())),
      item(t.download, done(() => this.#download())),
      ...extras.filter((one) => one instanceof Node),
      item(t.restart, done(() => this.#restart())),
      item(t.forget, () => sure(t.forget_sure, t.forget_no, t.forget_yes, () => this.#forget())),
    );
    if (open) this.#menu.querySelector('button')?.focus();
    else if (focus) toggle?.focus();
  }

  /** The last answer, and each that comes, by the browser's own voice; a second time stops it. */
  #readAloud() {
    this.#set.aloud = !this.#set.aloud;
    speechSynthesis.cancel();
    const last = this.#entries.findLast((entry) => entry.is === 'reply');
    if (this.#set.aloud && last?.is === 'reply') this.#speak(last.reply);
  }

  /** What is said is added to the text of the input, which the visitor sends. It was asked for, and told where the
   * sound goes. The articles' language is English. */
  #listen() {
    const t = this.texts;
    const voice = (this.#voice = new RECOGNITION());
    const before = this.#input.value;
    this.#set.speak = true;
    if ('speechSynthesis' in window) speechSynthesis.cancel();
    voice.lang = navigator.languages.find((language) => /^en\b/.test(language)) ?? 'en-US';
    voice.interimResults = true;
    voice.onresult = (/** @type {any} */ {results}) => {
      const words = Array.from(results, ([best]) => clean(best.transcript)).join('');
      if (voice === this.#voice) this.#input.value = `${before} ${words}`.trim();
    };
    voice.onerror = () => voice === this.#voice && this.#say(t.speak_failed, this.#fault);
    voice.onend = () => {
      if (voice !== this.#voice) return;
      this.#hush();
      this.#focus();
    };
    this.#say(t.listening);
    this.#announcement.append(' ', make('button', {...PRESS, class: 'small', click: () => voice.stop()}, t.listening_stop));
    voice.start();
  }

  /** Listens no longer. */
  #hush() {
    const voice = this.#voice;
    this.#voice = null;
    if (!voice) return;
    voice.abort();
    this.#announcement.textContent = '';
  }

  #transcript() {
    const t = this.texts;
    const lines = this.#entries.map((entry) => {
      if (entry.is === 'you') return `${t.you} ${clean(entry.text)}`;
      return entry.is === 'note' ? entry.text : replyText(entry.reply, t, this.#where());
    });
    return [this.#root.getElementById('heading')?.textContent ?? '', location.href, ...lines].join('\n\n');
  }

  /** @param {string} text */
  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#say(this.texts.copied);
    } catch {
      this.#say(this.texts.copy_failed, this.#fault);
    }
  }

  #download() {
    const file = URL.createObjectURL(new Blob([this.#transcript()], {type: 'text/plain;charset=utf-8'}));
    make('a', {href: file, download: this.texts.file}).click();
    setTimeout(() => URL.revokeObjectURL(file), 10_000);
  }

  /** Prints the conversation alone, without the page's other content. */
  #print() {
    const only = new CSSStyleSheet();
    only.replaceSync(
      '@media print{body>:not(symptom-chat-print){display:none!important}}' +
        'symptom-chat-print{display:block;white-space:pre-wrap;font:11pt/1.5 sans-serif}' +
        '@media screen{symptom-chat-print{display:none}}',
    );
    const paper = document.createElement('symptom-chat-print');
    paper.textContent = this.#transcript();
    document.body.append(paper);
    document.adoptedStyleSheets.push(only);
    const clear = () => {
      paper.remove();
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== only);
    };
    addEventListener('afterprint', clear, {once: true});
    print();
  }

  /** A new conversation, until whose first message the earlier one can be brought back. */
  #restart() {
    const before = {session: this.#session, entries: this.#entries, outbox: this.#outbox, turn: this.#turn};
    const note = this.#end(this.texts.restarted);
    if (!before.entries.length) return;
    const click = () => {
      this.#clear();
      [this.#session, this.#entries, this.#outbox, this.#turn] = [before.session, before.entries, before.outbox, before.turn];
      this.#resumed = true;
      this.#remember();
      this.#build();
      this.#focus();
      this.#send();
    };
    note.append(make('button', {...PRESS, class: 'small undo', click}, this.texts.undo));
  }

  /** Ends the conversation on this device; the server keeps its record.
   * @param {string} text */
  #end(text) {
    this.#clear();
    this.#resumed = true;
    this.#remember();
    this.#log.replaceChildren();
    this.#scroller.scrollTo({top: 0});
    const note = this.#add({is: 'note', text});
    this.#tell('end', {});
    return note;
  }

  #clear() {
    this.#life.abort();
    this.#life = new AbortController();
    this.#sending = this.#resumed = this.#missed = false;
    this.#session = this.#trouble = null;
    this.#unread = [];
    this.#spoken.textContent = this.#alarm.textContent = '';
    this.#outbox = [];
    this.#entries = [];
    this.#turn = '';
  }

  /** Has the server delete every conversation that this device knows of, of any article.
   * @param {string} [done]  what it said of this one, where that is gone already */
  async #forget(done) {
    const t = this.texts;
    const storage = this.#storage();
    const prefix = `symptom-chat ${this.#url('').href} `;
    const keys = storage ? Object.keys(storage).filter((key) => key.startsWith(prefix)) : [];
    const here = this.#key();
    const tokens = new Map(keys.map((key) => [key, this.#recall(key)?.token ?? '']));
    if (this.#session) tokens.set(here, this.#session.token);
    const receipts = [];
    try {
      for (const [key, token] of tokens) {
        if (token) {
          const gone = await call('DELETE', this.#url('conversations/current'), {token, signal: this.#page.signal}).catch(
            (error) => {
              if (error.code === 'ended') return {}; // the server no longer knows it
              throw error;
            },
          );
          if ('receipt' in gone) receipts.push(clean(gone.receipt));
        }
        if (key !== here) storage?.removeItem(key);
      }
    } catch (error) {
      const {code, status} = error instanceof Trouble ? error : new Trouble('failed');
      this.#tell('error', {code, status});
      this.#say(t.forget_failed, this.#fault);
      return;
    }
    this.#end(done ? done : receipts.length ? fill(t.forgotten, {receipt: receipts.join(', ')}).join('') : t.nothing_stored);
    this.#tell('forget', {receipts});
  }
}

/** A message's id, made here so that sending it twice is one message. */
function newId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- styles

const DARK = `
  --_accent: var(--symptom-chat-accent-dark, #7fd6cb); --_on-accent: var(--symptom-chat-on-accent-dark, #06302c);
  --_surface: var(--symptom-chat-surface-dark, #11181c); --_card: var(--symptom-chat-card-dark, #1a242a);
  --_ink: var(--symptom-chat-ink-dark, #e9eff1); --_soft: var(--symptom-chat-soft-dark, #a9bac2);
  --_line: #33434c; --_edge: #7d919b; --_you: #1d3d3d; --_danger: #ff9c92; --_danger-card: #331715; --_on-danger: #2b0704;
  color-scheme: dark;`;

const CSS_TEXT = `
:host {
  --_accent: var(--symptom-chat-accent, #0a6560); --_on-accent: var(--symptom-chat-on-accent, #fff);
  --_surface: var(--symptom-chat-surface, #f4f7f7); --_card: var(--symptom-chat-card, #fff);
  --_ink: var(--symptom-chat-ink, #1b2a31); --_soft: var(--symptom-chat-soft, #52646d);
  --_line: #d8e1e4; --_edge: #788a93; --_you: #d9ecea; --_danger: #a3161a; --_danger-card: #fff4f2; --_on-danger: #fff;
  --_radius: var(--symptom-chat-radius, 14px); --_gap: 16px;
  display: block; color-scheme: light; text-align: start;
  font: 400 var(--symptom-chat-size, max(1rem, 16px))/1.5 var(--symptom-chat-font, system-ui, -apple-system, "Segoe UI",
    Roboto, "Helvetica Neue", Arial, sans-serif);
}
:host(:not([mode=inline])) { display: contents; }
@media (prefers-color-scheme: dark) { :host(:not([theme=light])) {${DARK}} }
:host([theme=dark]) {${DARK}}
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
h2, h3, p, ul, ol { margin: 0; padding: 0; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
:focus { outline: none; }
:focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
svg { width: 1.5em; height: 1.5em; fill: none; stroke: currentColor; stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; flex: none; display: block; }
button, textarea { font: inherit; color: inherit; }
button { cursor: pointer; min-width: 36px; min-height: 36px; border: 1px solid var(--_edge); border-radius: 99px;
  background: var(--_card); padding: 5px 16px; }
button:hover { border-color: var(--_accent); }
a { color: var(--_accent); text-underline-offset: .15em; overflow-wrap: anywhere; }

.launcher { position: fixed; z-index: var(--symptom-chat-layer, 9000); display: flex; align-items: center; gap: 10px;
  inset-block-end: max(var(--symptom-chat-offset, 20px), env(safe-area-inset-bottom));
  inset-inline-end: max(var(--symptom-chat-offset, 20px), env(safe-area-inset-right)); max-width: calc(100vw - 40px);
  min-height: 56px; padding: 10px 22px 10px 18px; border: 1px solid transparent; font-weight: 600; text-align: start;
  background: var(--_accent); color: var(--_on-accent); box-shadow: 0 2px 6px #0003, 0 8px 24px #0003; }

.panel { display: flex; flex-direction: column; overflow: hidden; overscroll-behavior: contain; padding: 0;
  background: var(--_surface); color: var(--_ink); border: 1px solid var(--_line); border-radius: var(--_radius);
  overflow-wrap: anywhere; position: relative; }
section.panel { height: var(--symptom-chat-height, min(42em, 88vh)); }
dialog.panel { position: fixed; z-index: var(--symptom-chat-layer, 9000); margin: 0; inset: auto;
  inset-block-end: var(--symptom-chat-offset, 20px); inset-inline-end: var(--symptom-chat-offset, 20px);
  width: min(var(--symptom-chat-width, 28em), 100vw - 40px);
  height: min(var(--symptom-chat-height, 44em), 100dvh - 40px); max-width: none; max-height: none;
  box-shadow: 0 4px 12px #0002, 0 16px 48px #0003; }
dialog.panel:not([open]) { display: none; }
dialog.panel:modal { inset: 0; inset-block-start: var(--_top, 0); width: 100%; height: var(--_room, 100dvh);
  border: 0; border-radius: 0; padding-inline: env(safe-area-inset-left) env(safe-area-inset-right); }
dialog::backdrop { background: var(--_surface); }

.header { position: relative; z-index: 1; flex: none; display: flex; align-items: center; gap: 2px;
  padding: max(8px, env(safe-area-inset-top)) 0 8px; padding-inline: 20px 8px; background: var(--_card);
  border-block-end: 1px solid var(--_line); }
h2 { flex: 1; font-size: 1.0625em; line-height: 1.3; font-weight: 650; }
.bare { border-color: transparent; background: none; padding: 0; width: 44px; height: 44px; display: grid;
  place-items: center; }
#menu-button path { stroke-width: 3; }
.menu { position: absolute; inset-block-start: calc(100% - 4px); inset-inline-end: 8px; width: min(18em, 100% - 16px);
  padding: 6px; background: var(--_card); border: 1px solid var(--_edge); border-radius: 12px;
  box-shadow: 0 8px 28px #0004; }
.menu > button { display: block; width: 100%; min-height: 44px; border: 0; border-radius: 8px; text-align: start; }
.menu > button:hover { background: var(--_surface); }
.sure { display: grid; gap: 10px; padding: 10px; }

.talk { flex: 1; min-height: 0; overflow: hidden auto; overscroll-behavior: contain; display: flex;
  flex-direction: column; gap: var(--_gap); padding: 20px max(20px, (100% - 44em) / 2); }
.talk > * { flex: none; }
.log, .opening { display: flex; flex-direction: column; gap: var(--_gap); }
.log:empty { display: none; }
.greeting { font-size: 1.0625em; }
.notice, .urgent { font-size: .9375em; color: var(--_soft); }
.urgent { color: var(--_ink); padding-inline-start: 12px; border-inline-start: 3px solid var(--_danger); }
.urgent a { color: var(--_danger); font-weight: 700; padding: 4px; margin-inline: -4px; }
.label { font-size: .875em; font-weight: 600; color: var(--_soft); margin-block-end: 8px; }
ul { list-style: none; }
.choices { display: grid; gap: 8px; justify-items: start; }
.chips { display: flex; flex-wrap: wrap; gap: 6px; }
.chips > .choices { display: contents; }
.chips .choice { min-height: 32px; border-radius: 16px; padding: 3px 12px; font-size: .875em; font-weight: 500; }
.choice { min-height: 44px; border-radius: 22px; padding: 8px 18px; text-align: start; line-height: 1.35;
  border-color: var(--_accent); color: var(--_accent); font-weight: 550; }
.choice:hover { background: var(--_accent); color: var(--_on-accent); }

.entry.you { display: flex; justify-content: flex-end; padding-block-start: 4px; }
.bubble { max-width: 86%; padding: 10px 16px; border-radius: 20px; border-end-end-radius: 5px; background: var(--_you);
  border: 1px solid transparent; white-space: pre-wrap; }
.note { font-size: .9375em; color: var(--_soft); text-align: center; padding-inline: 8px; }
.card { display: grid; gap: 8px; padding: 12px 18px 4px; background: var(--_card); border: 1px solid var(--_line);
  border-radius: var(--_radius); }
.card:not(:has(.foot)) { padding-block-end: 14px; }
h3 { font-size: 1.125em; line-height: 1.3; font-weight: 650; }
h3.says-so { font-size: 1em; font-weight: 550; color: var(--_soft); }
blockquote { padding-inline-start: 14px; border-inline-start: 3px solid var(--_accent); }
.home { font-size: .9375em; }
.card > * { min-width: 0; }
.prose { display: grid; gap: .8em; }
.prose[hidden] { display: none; }
.prose ul { list-style: disc; padding-inline-start: 1.3em; display: grid; gap: .3em; }
.kept { white-space: nowrap; }
sup { font-size: .75em; line-height: 1; }
sup button { all: unset; cursor: pointer; color: var(--_accent); }
sup > a, sup > button { padding: 8px 10px 8px 4px; margin-inline-end: -8px; text-decoration: none; font-weight: 600; }
sup > button { margin-block: -8px; }
sup > :hover, sup > [aria-expanded=true] { text-decoration: underline; }
.says { scroll-margin: 4px; display: grid; gap: 6px; padding: 10px 14px; background: var(--_surface); font-size: .9375em;
  border-inline-start: 3px solid var(--_accent); }
li > .says { margin-block: 6px; }
.more { color: var(--_accent); font-weight: 600; border-color: transparent; background: none; padding: 9px 5px; margin: -10px -6px -10px 4px;
  border-radius: 12px; text-decoration: underline; text-underline-offset: .15em; }
.more:hover { border-color: transparent; }
.about { display: flex; flex-wrap: wrap; gap: 0 14px; }
.quiet { flex: 1 1 9em; }
.about > [open] { flex-basis: 100%; }
summary { cursor: pointer; list-style: none; display: block; padding-block: 4px; font-size: .875em; color: var(--_soft); }
summary::before { content: "▸ "; content: "▸ " / ""; }
[open] > summary::before { content: "▾ "; content: "▾ " / ""; }
[dir=rtl] :not([open]) > summary::before { content: "◂ "; content: "◂ " / ""; }
.about:not(:has(> :not([hidden]))) { display: none; }
summary::-webkit-details-marker { display: none; }
summary:hover { color: var(--_ink); }
details { margin-block: -5px; min-width: 0; }
.quiet summary { overflow: hidden; white-space: nowrap; text-overflow: ellipsis; }
.quiet[open] summary { white-space: normal; }
.quiet p { font-size: .875em; padding-block: 4px 8px; padding-inline-start: 1.1em; }
.sources { padding-inline-start: 2em; font-size: .9375em; display: grid; gap: 6px; margin-block: 4px 16px; }
.sources a, .says a { display: inline-block; min-height: 24px; }
.by, .soft { color: var(--_soft); line-height: 1.4; }
.by { display: block; }
.below { display: grid; gap: 10px; }
.foot { justify-content: space-between; gap: 0 4px; margin-inline-end: -8px; font-size: .875em; color: var(--_soft); }
.foot .row { gap: 2px; }
.foot button, .foot > a { min-height: 32px; padding: 4px 8px; border-color: transparent; background: none; color: var(--_accent);
  font-size: 1em; text-decoration: none; display: inline-grid; place-items: center; border-radius: 99px; }
.foot > a { border: 1px solid transparent; margin-inline-start: -4px; }
.foot .feedback { margin-inline-end: auto; }
.foot :is(button, a):hover { text-decoration: underline; }
.foot [aria-pressed=true] { background: var(--_accent); color: var(--_on-accent); display: inline-block; }
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; }
.ask { margin-inline-end: 2px; }
.said:empty, .announcement:empty { display: none; }
.said, .announcement { font-size: .9375em; color: var(--_soft); }
.why { display: grid; gap: 12px; justify-items: start; padding-block-end: 10px; }
.below > .said { padding-block-end: 8px; }
.small { font-size: .9375em; padding: 4px 14px; }
[aria-pressed=true] { background: var(--_accent); color: var(--_on-accent); border-color: var(--_accent); }
[aria-pressed=true]::before { content: "✓ "; content: "✓ " / ""; }
.strong { background: var(--_accent); color: var(--_on-accent); border-color: var(--_accent); font-weight: 600; }
label { display: grid; gap: 6px; width: 100%; font-size: .9375em; }
textarea { width: 100%; resize: none; background: var(--_card); border: 1px solid var(--_edge); border-radius: 10px;
  padding: 8px 12px; }

.danger, .trouble { border: 2px solid var(--_danger); background: var(--_danger-card); }
.danger h3 { color: var(--_danger); font-size: 1.25em; }
.lines { display: grid; gap: 10px; }
.number { font-weight: 700; }
.line { display: block; font-size: .9375em; font-weight: 550; margin-block-end: 4px; }
.card .call { display: inline-block; min-height: 44px; padding: 8px 22px; border-radius: 99px; font-weight: 700;
  font-size: 1.125em; background: var(--_danger); color: var(--_on-danger); text-decoration: none;
  border: 1px solid transparent; }
.card .first .call { display: block; font-size: 1.5em; padding: 10px 22px; text-align: center; }
.first .soft { display: block; font-size: .9375em; padding-block-start: 4px; }
.lead { font-size: 1.125em; font-weight: 600; }
.card .urgent .call { all: revert; color: var(--_danger); font-weight: 700; }
.trouble { display: grid; gap: 12px; justify-items: start; padding: 16px 20px; border-width: 1px;
  border-radius: var(--_radius); background: var(--_card); }

.status { display: flex; align-items: center; gap: 10px; min-height: 1.55em; color: var(--_soft); font-size: .9375em; }
.status:empty { display: none; }
.dots { width: 34px; height: 8px; background: radial-gradient(circle closest-side, currentColor 90%, transparent) 0 0/12px 8px;
  animation: wait 1.2s infinite steps(4, jump-none); clip-path: inset(0); }
@keyframes wait { from { clip-path: inset(0 100% 0 0); } to { clip-path: inset(0); } }

.composer { flex: none; padding: 12px 16px; padding-block-end: max(12px, env(safe-area-inset-bottom)); background: var(--_card);
  border-block-start: 1px solid var(--_line); }
.field { display: flex; align-items: end; gap: 8px; max-width: 44em; margin-inline: auto; }
.field textarea { flex: 1; min-height: 44px; max-height: 8.5em; padding: 9px 16px; border-radius: 22px; line-height: 1.5;
  field-sizing: content; }
textarea:placeholder-shown { direction: inherit; }
textarea:focus-visible { outline-offset: -2px; }
textarea::placeholder { color: var(--_soft); opacity: 1; }
.send { flex: none; display: grid; place-items: center; padding: 0; width: 44px; height: 44px; border-color: transparent;
  background: var(--_accent); color: var(--_on-accent); }
.fault { font-size: .9375em; color: var(--_danger); }
.fault:not(:empty), .announcement { margin-block-end: 8px; }
.undo { display: block; margin: 10px auto 0; }
.badge { min-width: 1.6em; border-radius: 99px; padding: 0 6px; text-align: center; background: var(--_on-accent);
  color: var(--_accent); }
.panel.large { font-size: 1.25em; }
dialog.panel.full:not(:modal) { inset: 0; width: 100%; height: 100dvh; border-radius: 0; }

@media (pointer: coarse) { button, .small, .sources a, .chips .choice, .foot button, .foot > a { min-height: 44px; min-width: 44px; }
  .sources a { padding-block: 9px; } .chips .choice { border-radius: 22px; }
  summary { padding-block: 12px; } details { margin-block: -10px; } .foot { margin-block-start: -6px; }
  .sources .by { margin-block-start: -12px; }
  .urgent a { padding: 12px 10px; margin-inline: -10px; } }
@media (max-width: 30em) { .talk { padding-inline: 14px; } .card { padding-inline: 16px; } }
@media (max-height: 26em) { .header, .composer { padding-block: 2px; } .talk { padding-block: 10px; } }
@media (max-height: 17em) { .panel { overflow: hidden auto; } .talk { flex: 1 0 auto; overflow: visible; } }
@media (prefers-reduced-motion: reduce) { .dots { animation: none; } }
@media (forced-colors: active) {
  [aria-pressed=true] { border: 3px solid Highlight; } svg { stroke: ButtonText; } .dots { background: CanvasText; }
  .card .call { border-color: LinkText; }
}
@media print { .launcher { display: none; } }
`;

const STYLES = new CSSStyleSheet();
STYLES.replaceSync(CSS_TEXT);

if (!customElements.get('symptom-chat')) customElements.define('symptom-chat', SymptomChat);
