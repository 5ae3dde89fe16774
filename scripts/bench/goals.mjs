// What is to be reached, and whether it is: verdicts are computed from the results, and none is given for what was not measured.
import { chatCells, evenCell, freeCells, stormCell } from './nodes-plan.mjs'
import { at, countsIn, fullShare, generatorShare, growth, middle, wrongs } from './stats.mjs'

const least = (value) => ({ sign: '≥', value, isMet: (ours) => ours >= value })
const most = (value) => ({ sign: '≤', value, isMet: (ours) => ours <= value })

const perSecond = at('messages_per_second')
const worst = (pattern) => (result) =>
  Math.max(...Object.entries(result).flatMap(([name, times]) => (pattern.test(name) ? [times.p99] : [])))
const largest = (pattern) => (result) =>
  Math.max(...Object.entries(result.gzip_kb).flatMap(([name, size]) => (pattern.test(name) ? [size] : [])))
const chats = (read) => (result) => read(result.chat_before, result.chat_beside, result.chat_after)
const formOf = {
  'node-redis': 'one node on PostgreSQL and Redis',
  'nodes-redis': 'two nodes on PostgreSQL and Redis',
}
const onRedis = ['django-redis', 'django-redis-two']
const tenths = ({ first_tenth: first, last_tenth: last }) => last / first

/**
 * The rows: `cell` with what is read from it for each server, `goal` for our own figure or, with `versus`, for its ratio to others':
 * to the bare server's, or to the best of the Django servers that promise the same, in this cell or in `any`. What is `steady` does not
 * depend on how busy the machine is. `server` is ours, if it is not the usual one. With `best`, it and those in `versus` are each taken
 * in the one of these cells that suits it. `lost` counts what went wrong in all runs of some `servers` in these cells; a column of the
 * page may `show` another server than it is named after.
 */
export const goals = [
  { what: 'stored, acked and delivered', cell: 'chat-500x4', read: perSecond, unit: 'msg/s', goal: least(20_000) },
  { what: 'stored, acked and delivered', cell: 'chat-receipts', read: perSecond, unit: 'msg/s', goal: least(20_000) },
  {
    what: '× Django with the same durability',
    cell: 'chat-500x4',
    read: perSecond,
    unit: 'msg/s',
    versus: 'durable',
    goal: least(20),
  },
  {
    what: '× the best that such a Django reached with any number of rooms',
    cell: 'chat-500x4',
    any: ['chat-500x4', 'chat-50x1', 'chat-50x16'],
    read: perSecond,
    unit: 'msg/s',
    versus: 'durable',
    goal: least(20),
  },
  ...['node-redis', 'nodes-redis'].map((ours) => ({
    what: `${formOf[ours]}: × Django on both, each under the load that suits it`,
    cell: chatCells.at(-1),
    best: chatCells,
    server: ours,
    read: perSecond,
    unit: 'msg/s',
    versus: onRedis,
    goal: least(20),
  })),
  {
    what: `${formOf['node-redis']}, nothing tied to a core: × Django on both`,
    cell: freeCells.at(-1),
    best: freeCells,
    server: 'node-redis',
    read: perSecond,
    unit: 'msg/s',
    versus: onRedis,
    goal: least(20),
  },
  ...[
    { show: {}, more: '' },
    { show: { 'django-redis': 'django-redis-100' }, more: "; beside it Django with its layer's own capacity" },
  ].map(({ show, more }) => ({
    what: `on PostgreSQL and Redis, one node and two: lost, doubled or out of order${more}`,
    cell: evenCell,
    lost: [...chatCells, ...freeCells, evenCell, stormCell],
    servers: ['node-redis', 'nodes-redis'],
    show,
    unit: '',
    goal: most(0),
  })),
  { what: 'delivery, p50', cell: 'rate-5000', read: at('delivery_ms.p50'), unit: 'ms', places: 2, goal: most(2) },
  { what: 'delivery, p99', cell: 'rate-5000', read: at('delivery_ms.p99'), unit: 'ms', places: 2, goal: most(10) },
  { what: 'ack, p50', cell: 'rate-100', read: at('ack_ms.p50'), unit: 'ms', places: 2, goal: most(1) },
  { what: 'ack, p99', cell: 'rate-100', read: at('ack_ms.p99'), unit: 'ms', places: 2, goal: most(4) },
  {
    what: '× the bare server, none lost, joining included',
    cell: 'fanout-1000',
    read: at('deliveries_per_second'),
    unit: 'deliveries/s',
    versus: 'bare',
    goal: least(0.5),
  },
  {
    what: 'all have joined and know of each other',
    cell: 'fanout-1000',
    read: at('joining.quiet_after_seconds'),
    unit: 's',
    places: 2,
  },
  {
    what: 'calls that write them to the socket',
    cell: 'burst',
    read: at('writes_per_burst.p50'),
    unit: '',
    goal: most(1),
  },
  {
    what: 'memory of each',
    cell: 'idle-large',
    peersOf: 'idle-large-bare',
    read: at('kib_per_connection.resident'),
    unit: 'KiB',
    places: 1,
    goal: most(6),
  },
  { what: 'disconnected', cell: 'idle-large', read: at('disconnected'), unit: '', goal: most(0) },
  {
    what: 'processor while idle',
    cell: 'idle-large',
    peersOf: 'idle-large-bare',
    read: (result) => result.idle_cpu.server.total * 100,
    unit: '% of a core',
    places: 1,
    goal: most(2),
  },
  {
    what: 'chat beside them, × without them',
    cell: 'idle-large',
    peersOf: 'idle-large-bare',
    read: chats((before, beside, after) => perSecond(beside) / middle([perSecond(before), perSecond(after)])),
    unit: '×',
    places: 2,
    goal: least(0.9),
  },
  {
    what: 'memory half a minute after they left, × before they came',
    cell: 'idle-large',
    peersOf: 'idle-large-bare',
    read: ({ memory_kib: { after, before } }) => after.resident / before.resident,
    unit: '×',
    places: 2,
    goal: most(1.1),
  },
  ...[
    { what: 'disconnected', read: at('disconnected'), places: 0, goal: most(0) },
    {
      what: 'of the messages to a sample of them, those that did not arrive once',
      read: at('sample.wrong'),
      goal: most(0),
    },
    { what: 'messages to a sample of them: delivery, p99', read: at('sample.delivery_ms.p99'), unit: 'ms', places: 1 },
    { what: "servers' memory of each", read: at('kib_per_connection.resident'), unit: 'KiB', places: 1 },
    { what: 'let in', read: at('joining.per_second'), unit: 'a second' },
  ].map((row) => ({ unit: '', ...row, cell: 'nodes-idle', server: 'nodes-redis' })),
  { what: 'let in', cell: 'connect-10000', read: at('per_second'), unit: 'a second', goal: least(5_000) },
  {
    what: 'the last tenth, × the first tenth',
    cell: 'connect-10000',
    read: tenths,
    unit: '×',
    places: 2,
    goal: least(0.8),
  },
  {
    what: 'all back and answered',
    cell: 'storm-1000',
    read: at('back.seconds'),
    unit: 's',
    places: 2,
    goal: most(0.5),
  },
  {
    what: 'all back and complete',
    cell: 'storm-missed',
    read: at('back.seconds'),
    unit: 's',
    places: 2,
    goal: most(4),
  },
  { what: 'ready', cell: 'start-large', read: at('ready_ms.median'), unit: 'ms', goal: most(300) },
  { what: 'first page, p99', cell: 'inbox', read: worst(/^first page$/), unit: 'ms', places: 1, goal: most(20) },
  {
    what: 'slowest filter, p99',
    cell: 'inbox',
    read: worst(/^(open|resolved|unread)/),
    unit: 'ms',
    places: 1,
    goal: most(20),
  },
  { what: 'slowest search, p99', cell: 'inbox', read: worst(/^search/), unit: 'ms', places: 1, goal: most(20) },
  { what: 'summary, p99', cell: 'inbox', read: worst(/^summary$/), unit: 'ms', places: 1, goal: most(20) },
  {
    what: "user page's script, gzip",
    cell: 'sizes',
    read: largest(/^user page/),
    steady: true,
    unit: 'KB',
    places: 1,
    goal: most(90),
  },
  {
    what: 'SDK, gzip',
    cell: 'sizes',
    read: largest(/^SDK/),
    steady: true,
    unit: 'KB',
    places: 1,
    goal: most(12),
  },
  { what: 'binary', cell: 'sizes', read: at('binary_mb'), steady: true, unit: 'MB', places: 1, goal: most(25) },
  { what: 'longest task, list', cell: 'console', read: at('list.longest_ms'), unit: 'ms', goal: most(50) },
  { what: 'longest task, room', cell: 'console', read: at('room.longest_ms'), unit: 'ms', goal: most(50) },
  ...['rooms', 'listeners', 'messages stored'].map((axis) => ({
    what: `processor time ${axis === 'listeners' ? 'a delivery' : 'a message'}, most it rises with ${axis}`,
    axis,
    unit: '×',
    places: 2,
    goal: most(1.5),
  })),
]

/** Servers whose figures stand beside ours. */
export const beside = ['bare', 'django-full', 'django', 'django-redis']

/** Each row with its figures and its verdict: `met`, `missed`, or `open` for what was not measured; or none, if nothing is to be reached. */
export function judge(book, durable, planned = new Map()) {
  return goals.map((row) => {
    if (row.axis) return judgeCurve(book, row)
    if (row.lost) return judgeLost(book, row)
    return row.best ? judgeBest(book, row) : judgeCell(book, row, durable, planned)
  })
}

function judgeCell(book, row, durable, planned) {
  const { cell, read, versus, server = 'frontdesk' } = row
  const values = book.values(cell, server, read)
  const ours = middle(values)
  const others = Object.fromEntries(beside.map((peer) => [peer, book.value(row.peersOf ?? cell, peer, read)]))
  const comparedTo = versus === 'bare' ? others.bare : bestOf(book, row, durable)
  const ratio = ours !== undefined && comparedTo ? ours / comparedTo : undefined
  const runs = book.runs(cell, server)
  const counts = delivered(runs)
  const figure = versus ? ratio : ours
  const isWhole = !counts || counts.every((count) => count === 0)
  return {
    ...row,
    name: `${book.cell(cell)?.name ?? planned.get(cell) ?? cell}: ${row.what}`,
    ours,
    values,
    others,
    ratio,
    counts,
    verdict: row.goal && verdictOf(figure, row.goal, isWhole),
    marks: marksOf(book, row.steady ? [] : versus === 'bare' ? [...runs, ...book.runs(cell, 'bare')] : runs),
  }
}

/** Each server in the cell that suits it; ours is whole only if it is in all of them. */
function judgeBest(book, row) {
  const { best, server, read, versus, goal } = row
  const bestIn = (peer) => highest(best.map((cell) => ({ cell, value: book.value(cell, peer, read) })))
  const own = bestIn(server)
  const others = Object.fromEntries(beside.map((peer) => [peer, bestIn(peer)?.value]))
  const comparedTo = highest(versus.map(bestIn).filter(Boolean))?.value
  const ratio = own && comparedTo ? own.value / comparedTo : undefined
  const runs = best.flatMap((cell) => book.runs(cell, server))
  const counts = delivered(runs)
  return {
    ...row,
    name: own ? `${row.what} (ours: ${book.cell(own.cell)?.name})` : row.what,
    ours: own?.value,
    values: own ? book.values(own.cell, server, read) : [],
    others,
    ratio,
    counts,
    verdict: verdictOf(ratio, goal, !counts || counts.every((count) => count === 0)),
    marks: marksOf(book, own ? book.runs(own.cell, server) : []),
  }
}

function highest(figures) {
  return figures.filter(({ value }) => value > 0).sort((one, other) => other.value - one.value)[0]
}

/** There is no verdict while one of ours was not measured in one of the cells. */
function judgeLost(book, row) {
  const { lost: cells, servers, show, goal } = row
  const runsOf = (peer) => cells.flatMap((cell) => book.runs(cell, peer))
  const sum = (counts) => counts?.reduce((all, count) => all + count)
  const own = delivered(servers.flatMap(runsOf))
  const isWhole = servers.every((server) => cells.every((cell) => book.runs(cell, server).length > 0))
  const ours = isWhole ? sum(own) : undefined
  return {
    ...row,
    name: row.what,
    ours,
    values: [],
    others: Object.fromEntries(beside.map((peer) => [peer, sum(delivered(runsOf(show[peer] ?? peer)))])),
    counts: own,
    verdict: verdictOf(ours, goal),
    marks: marksOf(book, []),
  }
}

function verdictOf(figure, goal, isWhole = true) {
  if (figure === undefined) return 'open'
  return goal.isMet(figure) && isWhole ? 'met' : 'missed'
}

/** Lost, doubled and out of order in all runs of ours, if anything is delivered in them. */
function delivered(runs) {
  const all = runs.flatMap(({ result }) => countsIn(result).map(wrongs))
  const resumed = runs.flatMap(({ result }) =>
    result.back?.wrong === undefined ? [] : [[result.back.lost, 0, result.back.wrong]],
  )
  const parts = [...all, ...resumed]
  if (parts.length === 0) return undefined
  return [0, 1, 2].map((place) => parts.reduce((sum, part) => sum + part[place], 0))
}

/** Best is the highest, but for what is to be low. */
function bestOf(book, { cell, any = [cell], read, goal }, durable) {
  const figures = any.flatMap((id) => durable.map((peer) => book.value(id, peer, read))).filter((value) => value > 0)
  if (figures.length === 0) return undefined
  return goal?.sign === '≥' ? Math.max(...figures) : Math.min(...figures)
}

function judgeCurve(book, row) {
  const rise = (peer) => growth(curveOf(book, row.axis, peer, costOf))
  const runs = cellsOf(book, row.axis).flatMap(({ id }) => book.runs(id, 'frontdesk'))
  const ours = rise('frontdesk')
  const isWhole = delivered(runs)?.every((count) => count === 0)
  return {
    ...row,
    name: row.what,
    ours,
    values: ours === undefined ? [] : [ours],
    others: { bare: rise('bare') },
    counts: delivered(runs),
    verdict: verdictOf(ours, row.goal, isWhole),
    marks: marksOf(book, runs),
  }
}

/** Noise is a reason to measure again; a generator that was the limit makes a figure a lower bound. */
function marksOf(book, runs) {
  const isNoisy = runs.some((run) => book.isNoisy(run))
  const isLimited = runs.some(({ result }) => generatorShare(result) > fullShare)
  return { isNoisy, isLimited }
}

function cellsOf(book, axis) {
  return book.groups.flatMap(({ cells }) => cells).filter((cell) => cell.axis === axis)
}

/** A peer's points along an axis. */
export function curveOf(book, axis, peer, read) {
  return cellsOf(book, axis).flatMap((cell) => {
    const y = book.value(cell.id, peer, (result) => read(result, cell))
    return y === undefined ? [] : [{ x: cell.x, y }]
  })
}

/** Microseconds of the server's processor: of a message, or where many listen, of a delivery. */
export function costOf(result, { x, axis }) {
  if (!result.server_ms_per_message) return undefined
  const each = result.server_ms_per_message * 1_000
  return axis === 'listeners' ? each / (x + 1) : each
}
