// Draws the plots of the page Numbers with Chart.js; the same figures stand in the tables below them.
const style = getComputedStyle(document.documentElement)
const colour = (name) => style.getPropertyValue(name).trim()
const COLOURS = ['#2a8f85', '#d99a2b', '#c2564b', '#7d6fb3', '#9aa7ad', '#a3261c', '#4d5d68']

const releases = (marks) => ({
  id: 'releases',
  afterDatasetsDraw (chart) {
    const { ctx, scales: { x }, chartArea: { top, bottom } } = chart
    ctx.save()
    ctx.strokeStyle = colour('--soft')
    ctx.setLineDash([4, 4])
    for (const day of Object.keys(marks)) {
      const at = x.getPixelForValue(chart.data.labels.indexOf(day))
      ctx.beginPath()
      ctx.moveTo(at, top)
      ctx.lineTo(at, bottom)
      ctx.stroke()
    }
    ctx.restore()
  }
})

window.Chart.defaults.color = colour('--ink')
window.Chart.defaults.borderColor = colour('--line')
window.Chart.defaults.animation = false
for (const canvas of document.querySelectorAll('canvas[data-plot]')) {
  const plot = JSON.parse(canvas.dataset.plot)
  const stacked = plot.kind === 'bar'
  const datasets = plot.series.map(([label, data], place) => ({
    label, data, backgroundColor: COLOURS[place % COLOURS.length], borderColor: COLOURS[place % COLOURS.length], pointRadius: 2, spanGaps: true
  }))
  const chart = new window.Chart(canvas, {
    type: plot.kind,
    data: { labels: plot.labels, datasets },
    plugins: [releases(plot.marks)],
    options: {
      maintainAspectRatio: false,
      scales: { x: { stacked }, y: { stacked, beginAtZero: true } },
      plugins: { legend: { display: datasets.length > 1 }, tooltip: { callbacks: { footer: ([item]) => plot.marks[item.label] ? `release ${plot.marks[item.label]}` : '' } } }
    }
  })
  canvas.dataset.drawn = chart.data.labels.length
}
