// The plots of the page: what each shows, and where it is kept.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { costOf, curveOf } from './goals.mjs'
import { bars, curves } from './plot.mjs'
import { at } from './stats.mjs'

const axes = ['rooms', 'listeners', 'messages stored']

/** Draws what there are results for, and answers the lines that show it. */
export function pictures(book, peers, folder) {
  mkdirSync(folder, { recursive: true })
  const drawn = [
    barsOf(book, peers, 'chat', 'Messages stored and delivered', 'messages/s', at('messages_per_second')),
    barsOf(book, peers, 'rate', 'Delivery at an even rate', 'p99 in ms', at('delivery_ms.p99')),
    barsOf(book, peers, 'nodes', 'Chat with PostgreSQL and Redis', 'messages/s', at('messages_per_second')),
    barsOf(book, peers, 'fanout', 'One room, many listeners', 'deliveries/s', at('deliveries_per_second')),
    curvesOf(book, peers),
  ]
  return drawn.filter(Boolean).map(({ key, name, svg }) => {
    writeFileSync(join(folder, `bench-${key}.svg`), svg)
    return `![${name}](images/bench-${key}.svg)`
  })
}

function barsOf(book, peers, key, name, unit, read) {
  const cells = book.groups.filter(({ group }) => group === key).flatMap((group) => group.cells)
  const groups = cells.map((cell) => ({
    title: cell.name,
    bars: peers.flatMap((peer) => {
      const value = book.value(cell.id, peer.key, read)
      return value === undefined ? [] : [{ name: peer.short, value, isOurs: !peer.origin }]
    }),
  }))
  const told = groups.filter(({ bars }) => bars.length > 1)
  return told.length > 0 && { key, name, svg: bars(name, unit, told) }
}

function curvesOf(book, peers) {
  const name = 'What a message costs as everything grows'
  const rows = [
    axes.map((axis) => ({
      x: axis,
      y: axis === 'listeners' ? 'CPU µs per delivery' : 'CPU µs per message',
      read: costOf,
    })),
    axes.map((axis) => ({ x: axis, y: axis === 'listeners' ? 'delivery p50 ms' : 'ack p50 ms', read: delayOf })),
  ]
  const panels = rows.map((row) =>
    row.map(({ read, ...panel }) => ({ ...panel, lines: linesOf(book, peers, panel.x, read) })),
  )
  const isEmpty = panels.flat().every(({ lines }) => lines.length === 0)
  return !isEmpty && { key: 'curve', name, svg: curves(name, panels) }
}

/** Where nobody answers there is no ack, and where nobody else listens no delivery. */
function delayOf(result, { axis }) {
  return axis === 'listeners' ? at('delivery_ms.p50')(result) : at('ack_ms.p50')(result)
}

function linesOf(book, peers, axis, read) {
  const lines = peers.map(({ key, short }) => ({
    name: short,
    isOurs: key === 'frontdesk',
    points: curveOf(book, axis, key, read),
  }))
  return lines.filter(({ points }) => points.length > 0)
}
