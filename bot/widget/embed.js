/**
 * The frame version: `/embed?article=myoclonus&country=GB` is the widget, filling its frame. What the address says
 * becomes the widget's attributes. Nothing that is shown can come from the address: anybody can write a link.
 */
const TAKEN = ['article', 'country', 'remember', 'theme'];

const asked = new URLSearchParams(location.search);
const chat = document.querySelector('symptom-chat');
if (chat) {
  for (const name of TAKEN) {
    const value = asked.get(name);
    if (value) chat.setAttribute(name, value);
  }
}
document.title = chat?.getAttribute('heading') || document.title;

const sheet = new CSSStyleSheet();
sheet.replaceSync(
  'body { margin: 0 } symptom-chat { --symptom-chat-height: 100dvh; --symptom-chat-radius: 0px } ' +
    'symptom-chat::part(panel) { border: 0 }',
);
document.adoptedStyleSheets.push(sheet);

export {};
