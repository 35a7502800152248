/**
 * Finds questions of the list on this page, as they are typed. Nothing is sent.
 */
const LITTLE = new Set('a an and are at be by can could do does for from get have how i if in is it me my of on or should so the there to was what when where which who why will with you'.split(' '));
const MOST = 20; // that are shown at once

/** @param {string} text @returns {string[]} */
const wordsOf = (text) => text.toLowerCase().normalize('NFKD').match(/[\p{L}\p{N}]+/gu) ?? [];

const box = document.querySelector('[role=search]');
const input = document.querySelector('#search');
const count = document.querySelector('#count');
const found = document.querySelector('#found');
const list = document.querySelector('#articles');

const questions = [...document.querySelectorAll('.entry li a')].map((link) => {
  const about = link.closest('.entry')?.getAttribute('data-about') ?? '';
  return {link, about, words: wordsOf(`${link.textContent} ${about}`)};
});

/** How many of the words asked for it has, each as the beginning of one of its own.
 * @param {string[]} words @param {string[]} asked */
const share = (words, asked) => asked.filter((word) => words.some((own) => own.startsWith(word))).length;

function search() {
  const all = wordsOf(input.value);
  const telling = all.filter((word) => !LITTLE.has(word));
  const asked = telling.length ? telling : all;
  const best = Math.max(0, ...questions.map(({words}) => share(words, asked)));
  const hits = best ? questions.filter(({words}) => share(words, asked) === best) : [];
  list.hidden = asked.length > 0 && hits.length > 0;
  found.replaceChildren(
    ...hits.slice(0, MOST).map(({link}) => {
      const item = document.createElement('li');
      item.append(link.cloneNode(true));
      return item;
    }),
  );
  const many = `${hits.length} ${hits.length === 1 ? 'question' : 'questions'}`;
  count.textContent = !asked.length ? '' : hits.length ? many : 'No question has these words. You can ask in the chat.';
}

box.hidden = false;
input.addEventListener('input', search);
search(); // what a browser has kept over a reload

export {};
