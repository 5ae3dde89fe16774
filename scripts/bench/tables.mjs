// Every figure of every run, group by group: the page behind the page.
import { at, range, shown, wrongs } from './stats.mjs'

const percent = (path) => (result) => {
  const share = at(path)(result)
  return share === undefined ? undefined : share * 100
}
const sent = ['sent', at('counts.sent'), 0]
const wrong = ['lost / doubled / misordered', ({ counts }) => counts && wrongs(counts).join(' / ')]
const server = ['server CPU %', percent('cpu.server.total'), 0]
const generator = ['generator CPU %', percent('cpu.generator.total'), 0]
const each = ['server CPU ms per message', at('server_ms_per_message'), 3]

/** Columns of each group: a title, how to read the figure, and how many places it has; without places it is text. */
const columns = {
  chat: [
    ['messages/s', at('messages_per_second'), 0],
    ['p50 ms', at('delivery_ms.p50'), 2],
    ['p99 ms', at('delivery_ms.p99'), 2],
    each,
    server,
    generator,
    sent,
    wrong,
  ],
  rate: [
    ['delivery p50 ms', at('delivery_ms.p50'), 2],
    ['p99 ms', at('delivery_ms.p99'), 2],
    ['ack or own echo p50 ms', at('ack_ms.p50'), 2],
    ['p99 ms', at('ack_ms.p99'), 2],
    ['generator late p99 ms', at('generator_late_ms.p99'), 2],
    server,
    sent,
    wrong,
  ],
  fanout: [
    ['deliveries/s', at('deliveries_per_second'), 0],
    ['p99 ms', at('delivery_ms.p99'), 1],
    ['all let in after s', at('joining.seconds'), 2],
    ['and told of each other', at('joining.quiet_after_seconds'), 2],
    server,
    generator,
    sent,
    wrong,
  ],
  burst: [
    ['bursts', at('bursts'), 0],
    ['in one write', at('in_one_write'), 0],
    ['writes per burst, p50', at('writes_per_burst.p50'), 0],
    ['most', at('writes_per_burst.max'), 0],
    ['writes per frame', at('writes_per_frame'), 3],
    sent,
    wrong,
  ],
  connect: [
    ['connections/s', at('per_second'), 0],
    ['first tenth', at('first_tenth'), 0],
    ['last tenth', at('last_tenth'), 0],
    ['server CPU ms each', at('server_ms_per_connect'), 3],
    generator,
  ],
  storm: [
    ['all complete after s', at('back.seconds'), 2],
    ['all connected after s', at('back.connected.seconds'), 2],
    ['lost', ({ back }) => back.lost ?? back.talk.counts.lost, 0],
    ['wrong order or resume', ({ back }) => back.wrong, 0],
    ['server CPU %', percent('back.cpu.server.total'), 0],
    ['generator CPU %', percent('back.cpu.generator.total'), 0],
  ],
  idle: [
    ['KiB each: resident', at('kib_per_connection.resident'), 1],
    ['shared once', at('kib_per_connection.proportional'), 1],
    ['anonymous', at('kib_per_connection.anonymous'), 1],
    ['idle CPU %', percent('idle_cpu.server.total'), 1],
    ['disconnected', at('disconnected'), 0],
    ['chat before, messages/s', at('chat_before.messages_per_second'), 0],
    ['beside', at('chat_beside.messages_per_second'), 0],
    ['after', at('chat_after.messages_per_second'), 0],
    ['MiB before', (result) => at('memory_kib.before.resident')(result) / 1_024, 0],
    ['with', (result) => at('memory_kib.with.resident')(result) / 1_024, 0],
    ['after they left', (result) => at('memory_kib.after.resident')(result) / 1_024, 0],
  ],
  start: [
    ['ready after ms, median', at('ready_ms.median'), 0],
    ['longest', at('ready_ms.max'), 0],
  ],
  curve: [
    ['messages/s', at('messages_per_second'), 0],
    ['deliveries/s', at('deliveries_per_second'), 0],
    each,
    ['delivery p50 ms', at('delivery_ms.p50'), 2],
    ['ack or own echo p50 ms', at('ack_ms.p50'), 2],
    generator,
    sent,
    wrong,
  ],
}

columns.nodes = columns.chat

export function detailsPage(book, names) {
  const head = `# Benchmarks: every figure

Written by \`make bench\`; what was measured, how, and what is to be reached stands in [benchmarks.md](benchmarks.md). A range holds all
rounds. *Delivery* and *ack* are timed from the moment a message was due. *ms per message* is processor time of the server and all its
children. *Generator CPU* near 100 % means that the generator was the limit. A row marked ° was measured while the machine was
disturbed.`
  return `${[head, ...book.groups.map((group) => section(group, book, names))].join('\n\n')}\n`
}

function section(group, book, names) {
  const { facts, title, seconds } = group
  const looked = facts.quick ? ', a quick look' : ''
  const when = `${facts.date.slice(0, 16).replace('T', ' ')} UTC, commit ${facts.commit}, ${seconds} s${looked}.`
  const tables = group.cells.map((cell) => {
    const wanted = columns[cell.columns ?? group.group]
    if (wanted) return cellTable(wanted, group, cell, book, names)
    return group.group === 'inbox' ? inboxTable(group, cell) : plainTable(group, cell)
  })
  return [`## ${title}`, when, ...tables].join('\n\n')
}

function cellTable(wanted, group, cell, book, names) {
  const rows = cell.peers.flatMap((peer) => {
    const runs = group.runs.filter((run) => run.cell === cell.id && run.peer === peer)
    if (runs.length === 0) return []
    const mark = runs.some((run) => book.isNoisy(run)) ? ' °' : ''
    return [`| ${names.get(peer) ?? peer}${mark} | ${[...figures(wanted, runs), disk(runs)].join(' | ')} |`]
  })
  const titles = ['server', ...wanted.map(([title]) => title), 'fdatasync before, p50 / p99 ms']
  return table(cell.name, titles, rows)
}

/** How fast the disk was when the run began. */
function disk(runs) {
  const probes = runs.flatMap(({ noise }) => noise?.before.server.fdatasync_ms ?? [])
  const of = (read) => range(probes.map(read), 2)
  return `${of(({ p50 }) => p50)} / ${of(({ p99 }) => p99)}`
}

function table(name, titles, rows) {
  const lines = [`| ${titles.join(' | ')} |`, `| --- |${' ---: |'.repeat(titles.length - 1)}`, ...rows]
  return [`**${name}**`, '', ...(rows.length ? lines : ['Not run.'])].join('\n')
}

function figures(wanted, runs) {
  const well = runs.flatMap(({ result }) => (result ? [result] : []))
  if (well.length === 0) return wanted.map((_, place) => (place ? '' : (runs[0].failed ?? runs[0].skipped)))
  return wanted.map(([, read, places]) => {
    const values = well.map(read).filter((value) => value !== undefined && value !== null && !Number.isNaN(value))
    return places === undefined ? [...new Set(values)].join('; ') || '–' : range(values, places)
  })
}

function inboxTable({ runs }, cell) {
  const [{ result } = {}] = runs.filter((run) => run.cell === cell.id && run.result)
  const rows = Object.entries(result ?? {}).map(
    ([name, { count, p50, p99, max }]) =>
      `| ${name} | ${count} | ${shown(p50, 2)} | ${shown(p99, 2)} | ${shown(max, 2)} |`,
  )
  return table(cell.name, ['list', 'asked for', 'p50 ms', 'p99 ms', 'longest ms'], rows)
}

/** Whatever a measurement of one of a kind says. */
function plainTable({ runs }, cell) {
  const [{ result, failed, skipped } = {}] = runs.filter((run) => run.cell === cell.id)
  const rows = result
    ? flat(result).map(([name, value]) => `| ${name} | ${value} |`)
    : [`| ${failed ?? skipped ?? 'not run'} | |`]
  return table(cell.name, ['what', 'figure'], rows)
}

function flat(value, name = '') {
  if (value === null || typeof value !== 'object') return [[name, value]]
  return Object.entries(value).flatMap(([key, inner]) => flat(inner, name ? `${name}: ${key}` : key))
}
