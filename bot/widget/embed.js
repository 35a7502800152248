/**
 * The frame version: `/embed?article=myoclonus&language=es` is the widget, filling its frame. What the address says
 * becomes the widget's attributes; `starter` may be repeated, as `starter=myoclonus.prevention:Can it be prevented?`.
 */
const TAKEN = ['article', 'country', 'heading', 'language', 'remember', 'theme'];

const asked = new URLSearchParams(location.search);
const chat = document.querySelector('symptom-chat');
if (chat) {
  for (const name of TAKEN) {
    const value = asked.get(name);
    if (value) chat.setAttribute(name, value);
  }
  const starters = document.createElement('datalist');
  for (const starter of asked.getAll('starter')) {
    const [value, ...title] = starter.split(':');
    starters.append(new Option(title.join(':').trim(), value));
  }
  chat.append(starters);
}
document.documentElement.lang = asked.get('language') || 'en';
document.title = asked.get('heading') || document.title;

const sheet = new CSSStyleSheet();
sheet.replaceSync(
  'body { margin: 0 } symptom-chat { --symptom-chat-height: 100dvh; --symptom-chat-radius: 0px } ' +
    'symptom-chat::part(panel) { border: 0 }',
);
document.adoptedStyleSheets.push(sheet);

await import(new URL('widget.js', import.meta.url).href);

export {};
