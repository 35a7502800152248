// What the desk's pages need of scripts: the menu of small screens, a question before what can't be undone, the
// review's keys, and what is said when something could not be done. Elements are looked up when they are needed, for a
// page that waits gets another body. What is typed is looked after by unsaved.js.

import { tryStorage } from './unsaved.js'

document.addEventListener('keydown', (event) => {
  const open = document.querySelector('.menu-button[aria-expanded=true]')
  if (event.key === 'Escape' && open) {
    open.setAttribute('aria-expanded', 'false')
    open.focus()
  }
  if (event.key === '/') goToSearch(event)
  if (event.key === '?') turnHelp(event)
  pressInGroup(event)
})

// Keys of the whole page are not for who types, or wants keys only where they have the focus.
function isForPage(event) {
  const types = event.target.matches?.('input:not([type=checkbox], [type=radio]), select, textarea, [contenteditable]')
  return !(types || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || keysNeedFocus())
}

// "?" opens the help of the page, and closes it.
function turnHelp(event) {
  const help = document.querySelector('#help')
  if (!help || !isForPage(event)) return
  event.preventDefault()
  help.open = !help.open
  help.querySelector('summary').focus()
}

// "/" puts the cursor into the search.
function goToSearch(event) {
  const field = document.querySelector('#desk-search')
  if (!field || !isForPage(event)) return
  event.preventDefault()
  const menu = document.querySelector('.menu-button')
  if (menu.offsetParent) menu.setAttribute('aria-expanded', 'true')  // it is there on small screens alone
  field.focus()
  field.select()
}

document.addEventListener('click', (event) => {
  const button = event.target.closest?.('.menu-button')
  button?.setAttribute('aria-expanded', button.getAttribute('aria-expanded') !== 'true')
  const sure = event.target.closest?.('[data-sure]')
  if (sure && !confirm(sure.dataset.sure)) event.preventDefault()
})

// --- review: keys are for the group that has the focus, else for the marked one: the first, or the last that had it.
// Who speaks to the computer, or writes with one key at a time, can have them only while a group has the focus.

const KEYS = 'desk-review-keys'  // what the browser remembers of the checkbox: 'anywhere' or 'focus'

function markedGroup() {
  return document.querySelector('.group[aria-current]') ?? document.querySelector('.group')
}

function markGroup(group) {
  for (const other of document.querySelectorAll('.group[aria-current]')) other.removeAttribute('aria-current')
  group?.setAttribute('aria-current', 'true')
}

function groupOfKeys(target) {
  const group = target.closest?.('.group')
  if (group) return group
  return keysNeedFocus() || target.matches?.('button, a') ? null : markedGroup()
}

function keysNeedFocus() {
  return tryStorage(() => localStorage.getItem(KEYS)) === 'focus'
}

function pressInGroup(event) {
  const group = groupOfKeys(event.target)
  if (!group || event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input:not([type=checkbox]), select, textarea')) return
  if (event.key === 'm' || event.key === 'u') {
    if (event.key === 'm') document.querySelector('[data-several]')?.focus()
    else if (!event.repeat) document.querySelector('[data-undo]')?.click()
  } else if (event.key === 'j' || event.key === 'k') {
    const groups = [...document.querySelectorAll('.group')]
    groups[groups.indexOf(group) + (event.key === 'j' ? 1 : -1)]?.focus()
  } else {
    const pressed = group.querySelector(`[data-key="${CSS.escape(event.key)}"]`)
    if (!pressed || event.repeat) return  // a key that is held would act on group after group
    pressed.click()
    group.querySelector('[data-question]:not([disabled])')?.focus()
  }
  event.preventDefault()
}

function prepareKeys() {
  markGroup(markedGroup())
  const anywhere = document.querySelector('#keys-anywhere')
  if (anywhere) anywhere.checked = !keysNeedFocus()
  for (const label of document.querySelectorAll('[data-whole]')) label.hidden = false
  showMarked()
}

// --- several groups at once: those that are marked are fields of one form below them

const MARKS = '.group [name=group]'

function showMarked() {
  const marked = [...document.querySelectorAll(`${MARKS}:checked`)].map((mark) => mark.closest('.group'))
  const count = document.querySelector('[data-count]')
  if (!count) return
  count.textContent = `${marked.length} ${marked.length === 1 ? 'group' : 'groups'}`
  const select = document.querySelector('[data-several]')
  select.querySelector('[data-near]')?.remove()
  const near = new Set(marked.flatMap((group) => [...group.querySelectorAll('.teach')].map((button) => button.value)))
  if (!near.size) return
  const found = [...select.options].filter((option) => near.has(option.value)).map((option) => option.cloneNode(true))
  const listed = Object.assign(document.createElement('optgroup'), {label: 'Near what is marked'})
  listed.dataset.near = ''
  listed.append(...found)
  select.options[0].after(listed)
}

document.addEventListener('change', ({target}) => {
  const group = target.closest?.('.group')
  if (target.closest?.('[data-whole]')) {
    for (const mark of target.closest('.topic').querySelectorAll(MARKS)) mark.checked = target.checked
  } else if (group && target.name === 'phrase') {
    const mark = group.querySelector('[name=group]')  // it teaches what is ticked
    const ticked = [...group.querySelectorAll('[name=phrase]:checked')].map((one) => one.value)
    mark.value = JSON.stringify({...JSON.parse(mark.value), phrase: ticked})
  } else if (!group || target.name !== 'group') return
  showMarked()
})

document.addEventListener('click', (event) => {
  if (event.target.closest?.('[data-close]')) say('')
})

prepareKeys()
document.addEventListener('htmx:afterSettle', prepareKeys)
document.addEventListener('focusin', (event) => {
  const group = event.target.closest?.('.group')
  if (group) markGroup(group)
})
document.addEventListener('change', (event) => {
  if (event.target.id !== 'keys-anywhere') return
  tryStorage(() => localStorage.setItem(KEYS, event.target.checked ? 'anywhere' : 'focus'))
})

document.addEventListener('toggle', (event) => {
  const select = event.target.querySelector?.(':scope [data-question]')
  if (!select || event.target.className !== 'other') return
  select.disabled = !event.target.open
  const all = document.querySelector('[data-several]')  // without what is near the marked groups
  if (!select.options.length) select.append(...[...all.children].filter((one) => !one.matches('[data-near], [value=""]')).map((one) => one.cloneNode(true)))
  if (event.target.open) select.focus()
}, true)

document.addEventListener('htmx:beforeSwap', (event) => {
  const group = event.detail.target
  if (!group.matches('.group')) return
  const groups = [...document.querySelectorAll('.group')]
  const place = groups.indexOf(group)
  const next = groups[place + 1] ?? groups[place - 1] ?? document.querySelector('main')
  setTimeout(() => next.focus())
})

// --- what went wrong, as the server says it

document.addEventListener('htmx:responseError', (event) => {
  const page = new DOMParser().parseFromString(event.detail.xhr.responseText, 'text/html')
  const sentences = [...page.querySelectorAll('.fault, .faults li')].map((part) => part.textContent)
  say(sentences.join(' ') || 'This did not work. Load the page again.')
})
document.addEventListener('htmx:beforeOnLoad', (event) => {
  const {xhr, requestConfig} = event.detail
  if (xhr.status !== 401 || requestConfig.triggeringEvent?.type !== 'input') return
  event.preventDefault()  // who types is not led away
  say('You are signed out by now. Press Save: you sign in again, and what you typed is still here.')
})
document.addEventListener('htmx:sendError', () => {
  say('The service can’t be reached. Nothing was changed; try again.')
})

function say(sentence) {
  document.querySelector('#said').textContent = sentence
}
