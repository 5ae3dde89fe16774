// Draws bars and curves as SVG that suits light and dark pages.

const width = 760
const style = `<style>
text { font: 13px system-ui, sans-serif; fill: #1f2430 } .title { font-weight: 600 } .quiet { fill: #5d6472 }
.ours { fill: #2a62c9 } .theirs { fill: #a9b1bf } .grid { stroke: #dfe3ea } .line { fill: none; stroke-width: 2 }
.line.ours { stroke: #2a62c9; fill: none } .line.theirs { stroke: #8a93a3; fill: none }
@media (prefers-color-scheme: dark) {
  text { fill: #e6e9ef } .quiet { fill: #9aa3b2 } .ours { fill: #7aa5ff } .theirs { fill: #59616f } .grid { stroke: #333a46 }
  .line.ours { stroke: #7aa5ff } .line.theirs { stroke: #8a93a3 }
}
</style>`

const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const shown = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 })
const text = (x, y, content, kind = '', anchor = 'start') =>
  `<text x="${x}" y="${y}" class="${kind}" text-anchor="${anchor}">${escaped(content)}</text>`

function svg(height, parts) {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">${style}\n${parts.join('\n')}\n</svg>\n`
}

/** Groups of horizontal bars, each group with a scale of its own that begins at zero. */
export function bars(groups) {
  const [left, right, row] = [330, 90, 26]
  const parts = []
  let y = 8
  for (const { title, unit, bars: own } of groups) {
    const most = Math.max(...own.map(({ value }) => value)) || 1
    parts.push(text(0, y + 14, title, 'title'), text(width, y + 14, unit, 'quiet', 'end'))
    y += row
    for (const { name, value, isOurs } of own) {
      const length = Math.max(1, (value / most) * (width - left - right))
      parts.push(
        text(0, y + 15, name),
        `<rect x="${left}" y="${y + 3}" width="${length.toFixed(1)}" height="16" rx="2" class="${isOurs ? 'ours' : 'theirs'}"/>`,
      )
      parts.push(text(left + length + 6, y + 15, shown(value), 'quiet'))
      y += row
    }
    y += 14
  }
  return svg(y, parts)
}

/** Panels side by side under one title: x in powers of ten, y from zero. */
export function curves(title, panels) {
  const [gap, top, height] = [24, 66, 190]
  const span = (width - gap * (panels.length - 1)) / panels.length
  const parts = panels.flatMap((panel, place) => curve(panel, place * (span + gap), top, span, height))
  const names = new Map(panels.flatMap(({ lines }) => lines.map(({ name, isOurs }) => [name, isOurs])))
  const legend = [...names].flatMap(([name, isOurs], place) => [
    `<rect x="0" y="${top + height + 34 + place * 20}" width="18" height="4" class="${isOurs ? 'ours' : 'theirs'}"/>`,
    text(26, top + height + 41 + place * 20, name),
  ])
  return svg(top + height + 44 + names.size * 20, [text(0, 16, title, 'title'), ...parts, ...legend])
}

function curve({ title, lines }, left, top, span, height) {
  const points = lines.flatMap((line) => line.points)
  const [first, last] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))].map(Math.log10)
  const most = Math.max(...points.map(({ y }) => y)) || 1
  const margin = 34
  const x = (value) => left + margin + ((Math.log10(value) - first) / (last - first || 1)) * (span - margin - 20)
  const y = (value) => top + height - (value / most) * (height - 12)
  const parts = [text(left, top - 22, title)]
  for (const part of [0, 0.5, 1]) {
    parts.push(
      `<line class="grid" x1="${left + margin}" x2="${left + span}" y1="${y(most * part)}" y2="${y(most * part)}"/>`,
    )
    parts.push(text(left + margin - 5, y(most * part) + 4, shown(most * part), 'quiet', 'end'))
  }
  for (const value of new Set(points.map((point) => point.x)))
    parts.push(text(x(value), top + height + 18, short(value), 'quiet', 'middle'))
  for (const line of lines) {
    const kind = line.isOurs ? 'ours' : 'theirs'
    parts.push(
      `<polyline class="line ${kind}" points="${line.points.map((point) => `${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join(' ')}"/>`,
    )
    parts.push(
      ...line.points.map(
        (point) => `<circle class="${kind}" cx="${x(point.x).toFixed(1)}" cy="${y(point.y).toFixed(1)}" r="3"/>`,
      ),
    )
  }
  return parts
}

function short(value) {
  if (value >= 1e6) return `${value / 1e6}M`
  return value >= 1_000 ? `${value / 1_000}k` : String(value)
}
