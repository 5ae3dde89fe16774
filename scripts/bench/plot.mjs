// Draws bars and curves as SVG. Each picture brings its own paper, so that it can be read on light and dark pages alike.

const width = 760
const pad = 16
const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2430 } .title { font-weight: 600 } .quiet { fill: #5d6472; font-size: 12px }
.paper { fill: #fff; stroke: #dfe3ea } .ours { fill: #2a62c9 } .theirs { fill: #a0a8b7 } .grid { stroke: #e4e7ed }
.line { fill: none; stroke-width: 2 } .line.ours { stroke: #2a62c9; fill: none }
.line.theirs { stroke: #7d8696; fill: none; stroke-dasharray: 5 4 } .dot.theirs { fill: #7d8696 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ef } .quiet { fill: #a3abb9 } .paper { fill: #171a20; stroke: #333a46 } .ours { fill: #7aa5ff } .theirs { fill: #59616f }
  .grid { stroke: #2c323c } .line.ours { stroke: #7aa5ff } .line.theirs { stroke: #9aa3b2 } .dot.theirs { fill: #9aa3b2 }
}
</style>`

const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
const shown = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 })
const text = (x, y, content, kind = '', anchor = 'start') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" class="${kind}" text-anchor="${anchor}">${escaped(content)}</text>`

function svg(name, height, parts) {
  const paper = `<rect class="paper" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>`
  const label = `role="img" aria-label="${escaped(name)}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" ${label}>${style}\n${[paper, ...parts].join('\n')}\n</svg>\n`
}

/** Groups of horizontal bars, each group with a scale of its own that begins at zero. */
export function bars(name, unit, groups) {
  const [left, right, row] = [270, 90, 25]
  const parts = [text(pad, 28, name, 'title'), text(width - pad, 28, unit, 'quiet', 'end')]
  let y = 40
  for (const { title, bars: own } of groups) {
    const most = Math.max(...own.map(({ value }) => value)) || 1
    parts.push(text(pad, y + 20, title, 'quiet'))
    y += row + 4
    for (const { name, value, isOurs } of own) {
      const length = Math.max(1, (value / most) * (width - left - right))
      parts.push(
        text(pad, y + 15, name),
        `<rect x="${left}" y="${y + 3}" width="${length.toFixed(1)}" height="16" rx="2" class="${isOurs ? 'ours' : 'theirs'}"/>`,
        text(left + length + 6, y + 15, shown(value), 'quiet'),
      )
      y += row
    }
    y += 6
  }
  return svg(name, y + pad, parts)
}

/** Rows of panels: x in powers of ten, y from zero. A panel is `{x, y, lines}` with the titles of its axes. */
export function curves(name, rows) {
  const [gap, top, height, below] = [18, 44, 150, 74]
  const parts = [text(pad, 28, name, 'title')]
  rows.forEach((panels, row) => {
    const span = (width - 2 * pad - gap * (panels.length - 1)) / panels.length
    panels.forEach((panel, place) => {
      const corner = { left: pad + place * (span + gap), top: top + row * (height + below) + 24 }
      parts.push(...curve(panel, corner, span, height))
    })
  })
  const names = new Map(rows.flat().flatMap(({ lines }) => lines.map((line) => [line.name, line.isOurs])))
  let [x, y] = [pad, top + rows.length * (height + below) + 10]
  for (const [label, isOurs] of names) {
    parts.push(
      `<line class="line ${kind(isOurs)}" x1="${x}" x2="${x + 26}" y1="${y - 4}" y2="${y - 4}"/>`,
      text(x + 34, y, label),
    )
    x += 60 + label.length * 7.5
  }
  return svg(name, y + pad, parts)
}

const kind = (isOurs) => (isOurs ? 'ours' : 'theirs')

/** Where values lie: x by its power of ten, y from zero to a round number above all. */
export function scale(points, { left, top }, span, height) {
  const powers = points.map((point) => Math.log10(point.x))
  const [first, last] = [Math.min(...powers), Math.max(...powers)]
  const most = roundUp(Math.max(...points.map((point) => point.y)))
  return {
    most,
    x: (value) => left + ((Math.log10(value) - first) / (last - first || 1)) * span,
    y: (value) => top + height - (value / most) * height,
  }
}

function roundUp(value) {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return power * [1, 2, 4, 5, 6, 8, 10].find((step) => step * power >= value)
}

function curve({ x: xTitle, y: yTitle, lines }, corner, span, height) {
  const points = lines.flatMap((line) => line.points)
  if (points.length === 0) return []
  const margin = 42
  const at = scale(points, { left: corner.left + margin, top: corner.top }, span - margin - 14, height)
  const parts = [text(corner.left, corner.top - 10, yTitle, 'quiet')]
  for (const part of [0, 0.5, 1]) {
    const y = at.y(at.most * part).toFixed(1)
    parts.push(
      `<line class="grid" x1="${corner.left + margin}" x2="${corner.left + span}" y1="${y}" y2="${y}"/>`,
      text(corner.left + margin - 6, Number(y) + 4, shown(at.most * part), 'quiet', 'end'),
    )
  }
  for (const value of new Set(points.map((point) => point.x)))
    parts.push(text(at.x(value), corner.top + height + 18, short(value), 'quiet', 'middle'))
  parts.push(text(corner.left + margin + (span - margin) / 2, corner.top + height + 36, xTitle, 'quiet', 'middle'))
  for (const line of lines) {
    const places = line.points.map((point) => [at.x(point.x).toFixed(1), at.y(point.y).toFixed(1)])
    parts.push(
      `<polyline class="line ${kind(line.isOurs)}" points="${places.map(String).join(' ')}"/>`,
      ...places.map(([cx, cy]) => `<circle class="dot ${kind(line.isOurs)}" cx="${cx}" cy="${cy}" r="3"/>`),
    )
  }
  return parts
}

function short(value) {
  if (value >= 1e6) return `${value / 1e6}M`
  return value >= 1_000 ? `${value / 1_000}k` : String(value)
}
