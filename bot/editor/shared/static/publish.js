// The progress of a publication, as the server tells it; the page is loaded anew when it has ended.
const place = document.querySelector('[data-events]')
if (place) {
  const events = new EventSource(place.dataset.events)
  const step = place.querySelector('[role=status]')
  events.addEventListener('progress', (event) => {
    const news = JSON.parse(event.data)
    place.querySelector('progress').value = news.done
    const said = `${Math.round(news.done * 100)} %: ${news.step}`
    if (step.dataset.step !== news.step) step.textContent = said // heard once a step
    step.dataset.step = news.step
    place.querySelector('[data-left]').textContent = news.left ? `time left: ${news.left}` : ''
    place.querySelector('output').textContent = `${Math.round(news.done * 100)} %`
    const log = news.log.map((line) => Object.assign(document.createElement('li'), { textContent: `${line.at.slice(11, 19)} ${line.step}` }))
    place.querySelector('ol').replaceChildren(...log)
  })
  events.addEventListener('end', () => {
    events.close()
    location.reload()
  })
}
