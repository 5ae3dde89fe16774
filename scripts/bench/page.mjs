// Writes docs/benchmarks.md from the results that are there: what is to be reached and whether it is, the plots, what was written by hand
// in bench/notes.md, and where and when it was measured. Every figure stands in a page of its own beside it.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { readBook } from './book.mjs'
import { beside, judge } from './goals.mjs'
import { pictures } from './pictures.mjs'
import { busyShare, driftShare, probes, range, shown } from './stats.mjs'
import { detailsPage } from './tables.mjs'

const notes = resolve('bench/notes.md')

/** False when there is nothing to write about. */
export function writePage({ page, results, groups, peers, quick }) {
  const book = readBook(
    results,
    groups.map(({ key }) => key),
  )
  if (book.groups.length === 0) return false
  const folder = dirname(page)
  mkdirSync(folder, { recursive: true })
  const durable = peers.filter(({ durable, origin }) => durable && origin).map(({ key }) => key)
  const planned = new Map(groups.flatMap(({ cells }) => cells).map(({ id, name }) => [id, name]))
  const rows = judge(book, durable, planned)
  const hand = existsSync(notes) ? [readFileSync(notes, 'utf8').trim()] : []
  const parts = [
    head(quick),
    verdictLine(rows),
    goalTable(rows, new Map(peers.map(({ key, short }) => [key, short]))),
    marks,
    ...pictures(book, peers, join(folder, 'images')),
    ...hand,
    machineTable(book),
    groupTable(book),
    peerList(peers),
  ]
  writeFileSync(page, `${parts.join('\n\n')}\n`)
  const names = new Map(peers.map(({ key, name }) => [key, name]))
  writeFileSync(join(folder, 'benchmarks-details.md'), detailsPage(book, names))
  return true
}

function head(quick) {
  const look = quick ? '\n\n**A quick look: fewer, shorter, once. These figures claim nothing.**' : ''
  return `# Benchmarks

How fast and how small Frontdesk is, beside a Django Channels server of the same protocol and a bare broadcast server that does nothing
else, all on one machine in one run. Repeat it with \`make bench\` (about an hour on an otherwise idle Linux machine); \`ONLY=chat make
bench\` measures one group anew and keeps the rest; \`ONLY=nodes-idle\`, the connections on many nodes, is measured only when named. This
page is written by it; the text about limits is kept in \`bench/notes.md\`.

Each server runs on one core with all that belongs to it (nodes, Redis, PostgreSQL), the load generator on another, but where a row says
that nothing is tied to a core; connections on many nodes never are. SQLite commits with
\`synchronous=FULL\`, messages have 128 bytes, everybody signs in with a token of their own and comes from one of many addresses; Frontdesk
runs with \`--rate-limit 0\`, which lifts its limits on messages and connections, and nothing else is set. Delay is timed from the moment a
message was due. Every figure, with raw counts: [benchmarks-details.md](benchmarks-details.md).${look}`
}

function verdictLine(rows) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length
  const open = count('open') ? `, ${count('open')} not measured` : ''
  return `**${count('met')} of ${rows.filter(({ verdict }) => verdict).length} figures are reached**, ${count('missed')} are not${open}.`
}

function goalTable(rows, names) {
  const titles = [
    'what',
    'Frontdesk',
    ...beside.map((peer) => names.get(peer)),
    'ratio',
    'to reach',
    'reached',
    'lost / doubled / misordered',
  ]
  const lines = rows.map((row) => `| ${[...cells(row)].join(' | ')} |`)
  return [`| ${titles.join(' | ')} |`, `| --- |${' ---: |'.repeat(titles.length - 1)}`, ...lines].join('\n')
}

function cells(row) {
  const { name, unit, places = 0, ours, values, others, ratio, goal, verdict, marks, counts, versus } = row
  const spread = values.length > 1 ? ` (${range(values, places)})` : ''
  const sign = `${marks.isNoisy ? ' °' : ''}${marks.isLimited ? ' ᵍ' : ''}`
  const own = ours === undefined ? '–' : `**${shown(ours, places)}** ${unit}${spread}${sign}`
  const said = { met: 'yes', missed: '**no**', open: 'not measured' }
  return [
    name,
    own,
    ...beside.map((peer) => shown(others[peer], places)),
    ratio === undefined ? '–' : `× ${shown(ratio, ratio < 10 ? 2 : 0)}`,
    goal ? `${goal.sign} ${versus ? '× ' : ''}${shown(goal.value)} ${versus ? '' : unit}`.trim() : '–',
    said[verdict] ?? '–',
    counts ? counts.join(' / ') : '–',
  ]
}

const percent = (share) => `${Math.round(share * 100)} %`
const marks = `A figure is the middle of its rounds, with the lowest and the highest in brackets. A row that delivers is reached only if nothing was lost,
doubled or out of order. ° The machine was disturbed: a fixed computation took over ${percent(driftShare)} longer than it can, or others took over
${percent(busyShare)} of the processor. ᵍ The generator used its core up: the server could do more. *Ratio* is to the best
of the Django servers that sync every commit, or where the row says so, to the bare server.`

function machineTable(book) {
  const { facts } = book.groups.at(-1)
  const { machine, versions, cores } = facts
  const noise = probes(book.all)
  const disks = (read) =>
    range(
      noise.flatMap(({ server }) => (server.fdatasync_ms ? [read(server.fdatasync_ms)] : [])),
      2,
    )
  const spins = (core) =>
    range(
      noise.map((at) => at[core].compute_ms),
      2,
    )
  const noisy = book.all.filter((run) => book.isNoisy(run)).length
  const shared =
    cores.server === cores.generator
      ? 'one core for both'
      : `server on core ${cores.server}, generator on core ${cores.generator}`
  return `## The machine

| | |
| --- | --- |
| machine | ${machine.processor}, ${machine.memory}, ${machine.system}, Linux ${machine.kernel}, disk ${machine.disk}; ${shared} |
| versions | ${versions.join(', ')} |
| fdatasync of 256 bytes, before and after each run | p50 ${disks(({ p50 }) => p50)} ms, p99 ${disks(({ p99 }) => p99)} ms |
| a fixed computation | server's core ${spins('server')} ms, generator's core ${spins('generator')} ms |
| runs in which the machine was disturbed | ${noisy} of ${book.all.filter(({ noise }) => noise).length} |`
}

function groupTable({ groups }) {
  const rows = groups.map(({ title, facts, seconds, runs }) => {
    const failed = runs.filter((run) => !run.result).length
    return `| ${title} | ${facts.commit} | ${facts.date.slice(0, 16).replace('T', ' ')} | ${seconds} | ${runs.length} | ${failed} |`
  })
  return [
    '| group | commit | UTC | seconds | runs | without result |',
    '| --- | --- | --- | ---: | ---: | ---: |',
    ...rows,
  ].join('\n')
}

function peerList(peers) {
  const promise = ({ key, durable }) =>
    key === 'bare' ? 'stores nothing' : durable ? 'syncs every commit' : 'may lose the last commits in a power cut'
  const rows = peers.map((peer) => `| ${peer.name} | ${promise(peer)} |`)
  return `| server | |
| --- | --- |
${rows.join('\n')}

Django is a Channels application of the same frames in \`bench/peers/django\`: async consumers, tokens by simplejwt, indexes, one insert a
message, then broadcast, encoded once; its connection to PostgreSQL stays open, and its Redis layer may hold 10,000 messages where no other
capacity is named (the library's own 100 loses some in a burst). PostgreSQL syncs every commit for all, Redis keeps nothing. Where there are two
nodes or processes, the user of a room is on one and its admin on the other, so that everything crosses Redis. The bare server in \`bench/peers/bare.rs\` shows what the kernel and the generator allow.`
}
