// What is typed and not saved yet. A changed form warns before its page is left. This browser keeps what stands in it,
// by account and the form's address, until it is saved or thrown away, and 14 days at most; when the page is opened
// again, it is offered. A text that is too long is not cut: its field says so. Nothing is typed into the forms of the
// review, and nothing is kept of passwords, codes and people.

const PREFIX = 'desk-unsaved '  // of a key; what follows is the page's opening and the form's address
const SENT = 'desk-sent'  // in this tab's storage: the key of the form that it sent last
const LONGEST_MS = 14 * 24 * 3600 * 1000
const MOST = 2_000_000  // characters of all that is kept
const WAIT_MS = 1000  // after the last key
const NO_CONTENT = /^\/editor\/(account|people|sign-|invitations)/

const account = document.querySelector('.who a')?.textContent  // nobody's on the pages for signing in
const opening = `${Date.now()}-${Math.random()}`  // a page that is opened twice has two texts
const waiting = new Map()  // the timer of each form that is to be kept

// What comes of a use of the browser's storage; null where that is full or forbidden.
export function tryStorage(use) {
  try {
    return use()
  } catch {
    return null
  }
}

// --- a changed form warns before its page is left

let sent = null
let signsOut = false
let unsaved = false  // whether what htmx swaps held a change

document.addEventListener('submit', (event) => {
  if (event.defaultPrevented) return
  if (addressOf(event.target) === '/editor/sign-out') signOut(event)
  else rememberSent(event.target)
})
addEventListener('beforeunload', (event) => {
  const left = [...document.forms].some((form) => form !== sent && isUnsaved(form))
  if (left && !signsOut) event.preventDefault()
  sent = null  // who stays may leave later
  signsOut = false
})
document.addEventListener('htmx:beforeSwap', ({detail: {target, requestConfig}}) => {
  const acts = requestConfig?.elt.name === 'then' && !requestConfig.elt.value.startsWith('try')
  unsaved = [...target.querySelectorAll('form')].some((form) => acts || isUnsaved(form))
})
document.addEventListener('htmx:load', ({detail: {elt}}) => {
  for (const form of unsaved ? elt.querySelectorAll('form') : []) markUnsaved(form)
})

function markUnsaved(form) {
  form.dataset.unsaved = ''
  keepSoon(form)
}

function isUnsaved(form) {
  if (form.method !== 'post' || form.querySelector('[type=password]') || form.closest('.group, .several')) return false
  return form.dataset.unsaved !== undefined || [...form.elements].some(isChanged)
}

function isChanged(field) {
  if (field.matches('[type=checkbox], [type=radio]')) return field.checked !== field.defaultChecked
  if (field.matches('[type=file]')) return field.files.length > 0
  if (!field.matches('select')) return field.defaultValue !== undefined && field.value !== field.defaultValue
  const chosen = [...field.options].findIndex((option) => option.defaultSelected)
  return field.options.length > 0 && field.selectedIndex !== Math.max(chosen, 0)
}

// --- what is typed is kept

document.addEventListener('input', ({target}) => {
  if (!target.form) return
  checkLength(target)
  keepSoon(target.form)
})
addEventListener('pagehide', () => {
  for (const form of waiting.keys()) keep(form)
})

function isKept(form) {
  return account && form.method === 'post' && !NO_CONTENT.test(addressOf(form)) && !form.closest('.group, .several') &&
    form.querySelector('textarea, select, input:not([type=hidden], [type=file])')
}

// Where a form is sent to; several of one page have an id as well. Its own fields may hide its properties.
function addressOf(form) {
  const id = form.getAttribute('id')
  return new URL(form.getAttribute('action') ?? '', location.href).pathname + (id ? `#${id}` : '')
}

function keyOf(form) {
  return `${PREFIX}${opening} ${addressOf(form)}`
}

// [name, value] of each field, in their order, but for the token, files, and what only leads elsewhere.
function readFields(form) {
  const left = ['csrf', ...Array.from(form.querySelectorAll('[data-unkept]'), (field) => field.name)]
  return [...new FormData(form)].filter(([name, value]) => !left.includes(name) && typeof value === 'string')
}

function keepSoon(form) {
  if (!isKept(form)) return
  clearTimeout(waiting.get(form))
  waiting.set(form, setTimeout(keep, WAIT_MS, form))
}

// Keep what stands in a form, or nothing where it is as it was; whether it could be kept.
function keep(form) {
  clearTimeout(waiting.get(form))
  waiting.delete(form)
  const key = keyOf(form)
  if (!isUnsaved(form)) {
    forget(key)
    note(form, '')
    return false
  }
  const kept = {account, address: addressOf(form), at: Date.now(), fields: readFields(form)}
  const done = tryStorage(() => {
    write(key, JSON.stringify(kept))
    return true
  })
  note(form, done ? `Not saved yet; this browser has kept it, ${timeOf(kept)}.` : 'Not saved yet, and this browser can’t keep it.')
  return done
}

// Raises an error where it is too much, or the browser takes no more.
function write(key, text) {
  let room = MOST - text.length
  if (room < 0) throw new RangeError('longer than all that may be kept')
  for (const other of listKept().reverse()) {
    if (other.key !== key) room -= localStorage.getItem(other.key).length
    if (room < 0) forget(other.key)
  }
  localStorage.setItem(key, text)
}

function forget(key) {
  tryStorage(() => localStorage.removeItem(key))
}

// What is kept in this browser, the oldest first, whoever typed it.
function listKept() {
  return tryStorage(() => Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => ({key, ...JSON.parse(localStorage.getItem(key))}))
    .sort((one, other) => one.at - other.at)) ?? []
}

function note(form, sentence) {
  form.querySelector('.kept-note')?.remove()
  if (sentence) form.append(makeElement('p', sentence, 'kept-note soft wide'))
}

function rememberSent(form) {
  sent = form
  if (!account) return  // who signs in again comes back to what was sent before
  if (isKept(form)) keep(form)
  tryStorage(() => {
    if (isKept(form)) sessionStorage.setItem(SENT, keyOf(form))
    else sessionStorage.removeItem(SENT)
  })
}

function signOut(event) {
  for (const form of waiting.keys()) keep(form)
  const mine = listKept().filter((kept) => kept.account === account)
  if (mine.length && !confirm('What you typed and did not save goes from this browser. Sign out?')) return event.preventDefault()
  signsOut = mine.length > 0
  for (const kept of mine) forget(kept.key)
}

// --- what was kept is offered, or put in at once where its form was sent and is not saved: one had to sign in again

function offerKept() {
  for (const kept of listKept()) if (Date.now() - kept.at > LONGEST_MS) forget(kept.key)
  const key = account && tryStorage(() => sessionStorage.getItem(SENT))
  if (key && document.querySelector('.notice[data-done]')) {
    forget(key)
    tryStorage(() => sessionStorage.removeItem(SENT))
  }
  for (const kept of listKept().filter((each) => each.account === account)) {
    const form = [...document.forms].find((each) => isKept(each) && addressOf(each) === kept.address)
    if (form) offer(form, kept, kept.key === key)
  }
}

function offer(form, kept, wasSent) {
  const same = isSame(kept.fields, readFields(form))
  if (same && !isUnsaved(form)) return forget(kept.key)
  if (wasSent) {
    tryStorage(() => sessionStorage.removeItem(SENT))
    if (same) takeOver(form, kept)
    else putBack(form, kept)
  } else if (!same) {
    const line = addLine(form, `You typed something here on ${dayOf(kept)} at ${timeOf(kept)} that was not saved.`)
    line.append(
      makeButton('Put it back', '', async () => {
        if (isUnsaved(form) && !confirm('It takes the place of what stands in the form now. Go on?')) return
        const filled = await putBack(form, kept)
        if (!filled) return
        line.remove()
        findFirst(filled)?.focus()
      }),
      makeButton('Throw it away', 'second', () => {
        forget(kept.key)
        line.remove()
        findFirst(form)?.focus()
      })
    )
  }
}

// Whether both say the same, but for blanks and for the text that they were made of.
function isSame(fields, others) {
  const [one, other] = [fields, others].map((each) => JSON.stringify(
    each.filter(([name]) => name !== 'base').map(([name, value]) => [name, value.trim().replace(/\s+/g, ' ')])
  ))
  return one === other
}

function addLine(form, sentence) {
  const line = document.createElement('div')
  line.className = 'notice kept row'
  line.setAttribute('role', 'status')
  line.append(makeElement('span', 'not saved', 'tag warn'), makeElement('span', sentence))
  form.before(line)
  for (let around = form.closest('details'); around; around = around.parentElement.closest('details')) around.open = true
  return line
}

function makeElement(name, text, classes = '') {
  return Object.assign(document.createElement(name), {textContent: text, className: classes})
}

function makeButton(words, classes, act) {
  const button = Object.assign(makeElement('button', words, classes), {type: 'button'})
  button.addEventListener('click', act)
  return button
}

// The field that was changed first, or else the first.
function findFirst(form) {
  const fields = [...form.elements].filter((field) => field.matches('textarea, select, input:not([type=hidden])'))
  return fields.find(isChanged) ?? fields[0]
}

// Put what was kept into a form, with the text that it was made of, so that it undoes nothing that others saved since;
// gives the form, or null where it could not be done.
async function putBack(form, kept) {
  const isDrawn = form.getAttribute('hx-swap') === 'outerHTML'
  const filled = isDrawn ? await draw(form, kept.fields) : form
  if (!filled) return null
  const rest = isDrawn ? [] : fill(form, kept.fields)
  const line = addLine(filled, `What you typed on ${dayOf(kept)} at ${timeOf(kept)} is in the form again.`)
  if (rest.length) line.append(showRest(rest))
  takeOver(filled, kept)
  return filled
}

// Let the server draw the form of a story, which may have had more messages then, or fewer; null where it did not.
async function draw(form, fields) {
  const target = form.getAttribute('hx-target')
  const values = new FormData()
  for (const [name, value] of [...fields, ['then', 'up.0']]) values.append(name, value)  // it moves none
  await window.htmx.ajax('POST', form.getAttribute('action'), {source: form, target, select: target, swap: 'outerHTML', values})
  const drawn = document.querySelector(`${target} form`)
  return drawn === form ? null : drawn
}

// From now on it's what this page keeps.
function takeOver(form, kept) {
  form.dataset.unsaved = ''
  if (keep(form)) forget(kept.key)
}

// Fill a form's fields in their order; gives the texts for which there is no field.
function fill(form, fields) {
  const values = Map.groupBy(fields, ([name]) => name)
  for (const field of form.elements) {
    const left = values.get(field.name) ?? []
    if (field.matches('[type=checkbox], [type=radio]')) {
      const place = left.findIndex(([, value]) => value === field.value)
      field.checked = place >= 0
      if (field.checked) left.splice(place, 1)
    } else if (left.length && field.matches('textarea, select, input:not([type=file])')) {
      field.value = left.shift()[1]
      checkLength(field)
    }
  }
  form.querySelector('textarea')?.dispatchEvent(new Event('input', {bubbles: true}))
  return [...values.values()].flat().map(([, value]) => value).filter((value) => value.trim())
}

function showRest(texts) {
  const shown = document.createElement('details')
  shown.append(makeElement('summary', 'What has no place in the form any more'))
  for (const text of texts) shown.append(makeElement('p', text, 'plain-text'))
  return shown
}

function dayOf(kept) {
  return new Date(kept.at).toLocaleDateString('en-GB', {day: 'numeric', month: 'long'})
}

function timeOf(kept) {
  return new Date(kept.at).toLocaleTimeString('en-GB', {hour: '2-digit', minute: '2-digit'})
}

// --- a text that is too long can't be sent, and is not cut: a browser cuts what is pasted into a field with a maxlength

document.addEventListener('focusin', ({target: field}) => {
  if (field.maxLength > 0 && field.form && isKept(field.form)) {
    field.dataset.longest = field.maxLength
    field.removeAttribute('maxlength')
  }
})

function checkLength(field) {
  if (!field.matches('textarea, input:not([type=hidden], [type=file])')) return
  const longest = Number(field.dataset.longest ?? (field.maxLength > 0 ? field.maxLength : field.form.dataset.longest))
  const isLong = field.value.length > longest
  const [has, may] = [field.value.length, longest].map((count) => count.toLocaleString('en-GB'))
  const fault = isLong ? `This has ${has} characters; at most ${may} can be saved.` : ''
  field.setCustomValidity(fault)
  if (isLong) field.setAttribute('aria-invalid', 'true')
  else field.removeAttribute('aria-invalid')
  const around = field.closest('label') ?? field
  if (around.nextElementSibling?.matches('.too-long')) around.nextElementSibling.remove()
  if (isLong) around.after(makeElement('p', fault, 'fault small too-long wide'))
}

offerKept()
