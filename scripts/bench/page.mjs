// Writes docs/benchmarks.md and its plots from the results that are there, each group with the commit and the day it was measured on.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { busyShare } from './host.mjs'
import { work } from './peers.mjs'
import { bars, curves } from './plot.mjs'

const peerColumn = 'server'
const at = (path) => (result) => path.split('.').reduce((value, key) => value?.[key], result)
const percent = (path) => (result) => {
  const share = at(path)(result)
  return share === undefined ? undefined : share * 100
}
const wrongs = (counts) => counts && `${counts.lost} / ${counts.doubled} / ${counts.out_of_order + counts.seq_wrong}`

/** Columns of each group: a title, how to read the figure, and how many places it has. */
const columns = {
  chat: [
    ['messages/s', at('messages_per_second'), 0],
    ['p50 ms', at('delivery_ms.p50'), 2],
    ['p99 ms', at('delivery_ms.p99'), 2],
    ['server CPU ms per message', at('server_ms_per_message'), 3],
    ['server CPU %', percent('cpu.server.total'), 0],
    ['generator CPU %', percent('cpu.generator.total'), 0],
    ['missing / doubled / misordered', (result) => wrongs(result.counts)],
  ],
  rate: [
    ['delivery p50 ms', at('delivery_ms.p50'), 2],
    ['p99 ms', at('delivery_ms.p99'), 2],
    ['ack or own echo p50 ms', at('ack_ms.p50'), 2],
    ['p99 ms', at('ack_ms.p99'), 2],
    ['generator late p99 ms', at('generator_late_ms.p99'), 2],
    ['server CPU %', percent('cpu.server.total'), 0],
    ['missing / doubled / misordered', (result) => wrongs(result.counts)],
  ],
  fanout: [
    ['deliveries/s', at('deliveries_per_second'), 0],
    ['p99 ms', at('delivery_ms.p99'), 1],
    ['all joined after s', at('joining.seconds'), 2],
    ['server CPU %', percent('cpu.server.total'), 0],
    ['generator CPU %', percent('cpu.generator.total'), 0],
    ['missing / doubled / misordered', (result) => wrongs(result.counts)],
  ],
  connect: [
    ['connections/s', at('per_second'), 0],
    ['first tenth', at('first_tenth'), 0],
    ['last tenth', at('last_tenth'), 0],
    ['server CPU ms each', at('server_ms_per_connect'), 3],
    ['generator CPU %', percent('cpu.generator.total'), 0],
  ],
  storm: [
    ['all complete after s', at('back.seconds'), 2],
    ['all connected after s', at('back.connected.seconds'), 2],
    ['missing', (result) => String(result.back.lost ?? result.back.talk.counts.lost)],
    ['wrong order or resume', (result) => String(result.back.wrong ?? '–')],
  ],
  idle: [
    ['KiB per connection', at('kib_per_connection'), 1],
    ['CPU % while idle', percent('idle_cpu.server.total'), 1],
    ['disconnected', (result) => String(result.disconnected)],
    ['chat alone, messages/s', at('chat_alone.messages_per_second'), 0],
    ['beside them', at('chat_beside.messages_per_second'), 0],
    [
      'memory back within 10 % after s',
      (result) => String(result.memory_kib.back_within_10_percent_after_s ?? 'not in 30'),
    ],
  ],
  start: [
    ['ready after ms, median', at('ready_ms.median'), 0],
    ['longest', at('ready_ms.max'), 0],
  ],
  curve: [
    ['messages/s', at('messages_per_second'), 0],
    ['deliveries/s', at('deliveries_per_second'), 0],
    ['server CPU ms per message', at('server_ms_per_message'), 3],
    ['delivery p50 ms', at('delivery_ms.p50'), 2],
    ['p99 ms', at('delivery_ms.p99'), 2],
  ],
}

export function writePage({ page, groups, peers }) {
  const kept = groups.flatMap((group) => {
    const path = join(work, 'results', `${group.key}.json`)
    return existsSync(path) ? [{ ...group, ...JSON.parse(readFileSync(path, 'utf8')) }] : []
  })
  const names = new Map(peers.map((peer) => [peer.key, peer]))
  const images = join(dirname(page), 'images')
  mkdirSync(images, { recursive: true })
  const parts = [head(kept, names), ...kept.map((group) => section(group, names, images))]
  writeFileSync(page, `${parts.join('\n\n')}\n`)
}

function head(kept, names) {
  const runs = kept.flatMap(({ runs }) => runs.filter(({ noise }) => noise))
  const spoilt = runs.filter(({ noise }) => noise.others > busyShare).length
  const { facts } = kept.at(-1)
  const share = Math.round(busyShare * 100)
  const verdict = spoilt
    ? `**These figures claim nothing.** Before ${spoilt} of ${runs.length} runs other programs took more than ${share} % of the machine. Measure again on a quiet one.`
    : `Before none of the ${runs.length} runs did other programs take more than ${share} % of the machine.`
  const pinning =
    facts.cores.server === facts.cores.generator
      ? 'There is one core only: server and generator share it.'
      : `The server with all that belongs to it (Redis, PostgreSQL) runs on core ${facts.cores.server}, the generator on core ${facts.cores.generator}.`
  return `# Benchmarks

Written by \`make bench\`. Do not edit: run it again.

${verdict}

| | |
| --- | --- |
| machine | ${facts.machine.processor}, ${facts.machine.memory}, ${facts.machine.system}, Linux ${facts.machine.kernel}, disk ${facts.machine.disk} |
| versions | ${facts.versions.join(', ')} |
| fdatasync of 256 bytes | ${noise(runs, (at) => at.fdatasync_ms.p50)} ms (p50 before and after each run) |
| a fixed computation | ${noise(runs, (at) => at.compute_ms)} ms |
| load average before runs | ${range(
    runs.map(({ noise }) => noise.load),
    2,
  )} |

${pinning} Messages have 128 bytes. Everybody signs in with a token of their own, each run has a server and a database of its own, and the
peers take turns; a range holds all rounds. *Delivery* is measured from the moment a message was due to its arrival at each other person.
*ms per message* is processor time of the server and all its children, user and system. Near 100 % of *generator CPU* the
generator is the limit, not the server. *Missing* is what had not come half a minute after the end (in a storm, a minute after its start).

| server | promise |
| --- | --- |
${[...names.values()].map((peer) => `| ${peer.name} | ${peer.durable} |`).join('\n')}

Django is a Channels application of the same frames in \`bench/peers/django\`: async consumers, tokens by simplejwt, indexes, one insert a
message, then broadcast, encoded once. The bare server in \`bench/peers/bare.rs\` shows what the kernel and the generator allow.`
}

function section(group, names, images) {
  const { facts, runs } = group
  const when = `${facts.date.slice(0, 16).replace('T', ' ')} UTC, commit ${facts.commit}${facts.quick ? ', a quick look' : ''}.`
  const body =
    group.key === 'inbox'
      ? inboxTable(runs)
      : group.cells.map((cell) => cellTable(group.key, cell, runs, names)).join('\n\n')
  return [`## ${group.title}`, when, plot(group, names, images), body].filter(Boolean).join('\n\n')
}

function cellTable(key, cell, runs, names) {
  const own = runs.filter((run) => run.cell === cell.name)
  if (own.length === 0) return `**${cell.name}**: not run.`
  const rows = cell.peers.flatMap((peer) => {
    const mine = own.filter((run) => run.peer === peer)
    return mine.length ? [`| ${names.get(peer)?.name ?? peer} | ${figures(columns[key], mine).join(' | ')} |`] : []
  })
  const titles = [peerColumn, ...columns[key].map(([title]) => title)]
  return [
    `**${cell.name}**`,
    '',
    `| ${titles.join(' | ')} |`,
    `| --- |${' ---: |'.repeat(titles.length - 1)}`,
    ...rows,
  ].join('\n')
}

function figures(wanted, runs) {
  const well = runs.flatMap(({ result }) => (result ? [result] : []))
  if (well.length === 0) return wanted.map((_, place) => (place ? '' : (runs[0].failed ?? runs[0].skipped)))
  return wanted.map(([, read, places]) => {
    const values = well.map(read).filter((value) => value !== undefined && value !== null)
    if (places === undefined) return [...new Set(values)].join('; ')
    return range(values, places)
  })
}

function inboxTable(runs) {
  const lists = runs.flatMap(({ cell, result }) =>
    Object.entries(result ?? {}).map(([name, times]) => [cell, name, times]),
  )
  const rows = lists.map(
    ([cell, name, { p50, p99, max }]) =>
      `| ${cell} | ${name} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${max.toFixed(2)} |`,
  )
  return ['| | list | p50 ms | p99 ms | longest ms |', '| --- | --- | ---: | ---: | ---: |', ...rows].join('\n')
}

/** One figure, or the lowest and the highest. */
function range(values, places) {
  if (values.length === 0) return '–'
  const shown = (value) => value.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })
  const [low, high] = [shown(Math.min(...values)), shown(Math.max(...values))]
  return low === high ? low : `${low} – ${high}`
}

function noise(runs, read) {
  return range(
    runs.flatMap(({ noise }) => [read(noise.before), read(noise.after)]),
    2,
  )
}

/** The picture of a group, for those that have one. */
function plot(group, names, images) {
  const save = (name, alt, svg) => {
    writeFileSync(join(images, `bench-${name}.svg`), svg)
    return `![${alt}](images/bench-${name}.svg)`
  }
  const middle = (runs, read) => {
    const values = runs.flatMap(({ result }) => (result ? [read(result)] : [])).sort((one, other) => one - other)
    return values[Math.floor(values.length / 2)]
  }
  const barsOf = (read, unit) =>
    group.cells
      .filter(({ peers }) => peers.length > 1)
      .map((cell) => ({
        title: cell.name,
        unit,
        bars: cell.peers.flatMap((peer) => {
          const value = middle(
            group.runs.filter((run) => run.cell === cell.name && run.peer === peer),
            read,
          )
          return value === undefined ? [] : [{ name: names.get(peer).name, value, isOurs: peer === 'frontdesk' }]
        }),
      }))
      .filter(({ bars }) => bars.length > 0)
  switch (group.key) {
    case 'chat':
      return save('chat', 'Messages a second of each server', bars(barsOf(at('messages_per_second'), 'messages/s')))
    case 'rate':
      return save('rate', 'Delay of each server at an even rate', bars(barsOf(at('delivery_ms.p99'), 'p99 ms')))
    case 'fanout':
      return save(
        'fanout',
        'Deliveries a second of each server',
        bars(barsOf(at('deliveries_per_second'), 'deliveries/s')),
      )
    case 'curve':
      return save(
        'curve',
        'Processor time of a message as everything grows',
        curves('Server CPU in µs for', curvesOf(group, names, middle)),
      )
    default:
      return ''
  }
}

function curvesOf(group, names, middle) {
  const axes = [...new Set(group.cells.map(({ axis }) => axis))]
  return axes.map((axis) => {
    const cells = group.cells.filter((cell) => cell.axis === axis)
    // A message to many costs by the delivery: flat is what one delivery costs.
    const isFanout = axis === 'listeners'
    const cost = (cell) => (result) => (result.server_ms_per_message * 1_000) / (isFanout ? cell.x + 1 : 1)
    const lines = [...new Set(cells.flatMap(({ peers }) => peers))].map((peer) => ({
      name: names.get(peer).name,
      isOurs: peer === 'frontdesk',
      points: cells.flatMap((cell) => {
        const y = middle(
          group.runs.filter((run) => run.cell === cell.name && run.peer === peer),
          cost(cell),
        )
        return y === undefined ? [] : [{ x: cell.x, y }]
      }),
    }))
    return {
      title: `${isFanout ? 'a delivery' : 'a message'}, by ${axis}`,
      lines: lines.filter(({ points }) => points.length > 0),
    }
  })
}
