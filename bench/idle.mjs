// Many idle connections over many nodes on this machine, clients included: how fast they come, what each costs, whether any is dropped,
// and whether a message to a sample of them arrives. From the repository's root, after `make build` and
// `cargo build --release -p frontdesk-bench`:
//
//     node bench/idle.mjs --nodes 6 --connections 100000 --seconds 600 --broadcast-sample 1000
//
// Nodes share a throwaway PostgreSQL and Redis. It ends with 1 if a connection was dropped or a message did not arrive exactly once.
import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startNodes } from '../scripts/bench/frontdesk.mjs'
import { Holders, placesPerProcess } from '../scripts/bench/holders.mjs'
import { busy, keepLogs } from '../scripts/bench/host.mjs'
import { memoryOf, processorSeconds, slab } from '../scripts/bench/kernel.mjs'
import { arrivals, chooseRooms, sendTo } from '../scripts/bench/sample.mjs'
import { isThere, postgres } from '../scripts/bench/services.mjs'
import { shown } from '../scripts/bench/stats.mjs'
import { work } from '../scripts/bench/worlds.mjs'

const release = resolve(process.env.CARGO_TARGET_DIR ?? 'target', 'release')
const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '6' },
    connections: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '600' },
    'broadcast-sample': { type: 'string', default: '1000' },
    /** Messages a second to the sample. */
    'sample-rate': { type: 'string', default: '100' },
    'without-redis': { type: 'boolean', default: false },
    server: { type: 'string', default: join(release, 'frontdesk') },
    load: { type: 'string', default: join(release, 'load') },
    /** Where the report is kept. */
    json: { type: 'string', default: join(work, 'idle.json') },
    /** The report and nothing else on standard output. */
    'json-only': { type: 'boolean', default: false },
  },
})
const [nodes, connections, seconds, sample, rate] = [
  'nodes',
  'connections',
  'seconds',
  'broadcast-sample',
  'sample-rate',
].map((name) => numberOf(name))
const redis = !values['without-redis']
const settleSeconds = 5
const lookSeconds = 30

check()
const running = []
try {
  const report = await measure()
  writeFileSync(values.json, JSON.stringify(report, undefined, 1))
  console.log(values['json-only'] ? JSON.stringify(report) : `${table(report)}\n\n${values.json} holds the report`)
  process.exitCode = report.disconnected === 0 && report.sample.wrong === 0 ? 0 : 1
} catch (error) {
  keepLogs()
  console.error(
    `frontdesk: ${String(error.stderr || error.message)
      .trim()
      .split('\n')
      .at(-1)}`,
  )
  process.exitCode = 1
} finally {
  for (const one of running.reverse()) await one.end()
  rmSync(join(work, 'run'), { recursive: true, force: true })
}

function numberOf(name) {
  const number = Number(values[name])
  if (Number.isInteger(number) && number >= (name === 'broadcast-sample' ? 0 : 1)) return number
  refuse(`--${name} is a whole number, not ${values[name]}`)
}

function check() {
  const each = Math.ceil(connections / nodes)
  const most = placesPerProcess()
  if (each > most) {
    const enough = Math.ceil(connections / most)
    refuse(
      `a process may hold ${most} connections here (ulimit -Hn), and ${each} come to each node; take --nodes ${enough}`,
    )
  }
  const lacking = [
    [values.server, 'make build'],
    [values.load, 'cargo build --release -p frontdesk-bench'],
    [postgres('initdb'), 'apt-get install postgresql'],
    ...(redis ? [['redis-server', 'apt-get install redis-server']] : []),
  ].find(([program]) => !isThere(program))
  if (lacking) refuse(`${lacking[0]} is not there; make it so: ${lacking[1]}`)
  if (sample > connections) refuse('--broadcast-sample is more than there are --connections')
}

function refuse(why) {
  console.error(`frontdesk: ${why}`)
  process.exit(2)
}

function say(what) {
  console.error(`${new Date().toISOString().slice(11, 19)} ${what}`)
}

async function measure() {
  const others = await busy()
  say(`making ${shown(connections)} people with a room each, unless they are there`)
  const world = { rooms: connections, messages: 0 }
  const served = await startNodes(values.server, values.load, world, { nodes, redis })
  running.push(served)
  await Promise.all(served.ports.map(ready))
  const holders = new Holders(values.load, served.ports, connections)
  running.push(holders)
  await holders.prepared()
  const kinds = { ...served.services, clients: holders.pids }
  const memory = { before: memories(kinds) }

  say(`${nodes} nodes and ${holders.pids.length} generators are ready; connecting`)
  const joining = await connect(holders, kinds)
  say(`all are in after ${joining.seconds} s; ${seconds} idle seconds begin`)
  await sleep(settleSeconds * 1_000)
  memory.with = memories(kinds)
  const idle_cpu = await spent(kinds, () => hold(holders))
  memory.last = memories(kinds)

  const told = await tell(holders, served.ports)
  const { disconnected, codes } = await holders.heard()
  return {
    nodes,
    connections,
    generators: holders.pids.length,
    redis,
    others,
    joining,
    idle_seconds: seconds,
    idle_cpu,
    disconnected,
    codes,
    memory_kib: memory,
    kib_per_connection: each(memory, 'nodes'),
    clients_kib_per_connection: each(memory, 'clients'),
    kernel_kib_per_connection: rounded((memory.last.slab - memory.before.slab) / connections),
    sample: told,
  }
}

/** Until it can store. */
async function ready(port) {
  for (let tries = 0; tries < 300; tries += 1) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
    if (answer?.ok) return
    await sleep(100)
  }
  throw new Error(`the node on port ${port} is not ready after 30 s`)
}

async function connect(holders, kinds) {
  const start = performance.now()
  let parts
  const cpu = await spent(kinds, async () => {
    parts = await holders.connect()
  })
  const took = (performance.now() - start) / 1_000
  const connected = parts.reduce((sum, part) => sum + part.connected, 0)
  return { connected, seconds: rounded(took), per_second: Math.round(connected / took), cpu, parts }
}

/** Looks in now and then, so that whoever waits hears at once of what is dropped. */
async function hold(holders) {
  const end = Date.now() + seconds * 1_000
  let dropped = 0
  while (Date.now() < end) {
    await sleep(Math.min(lookSeconds * 1_000, end - Date.now()))
    const { disconnected, codes } = await holders.heard()
    if (disconnected > dropped) say(`${disconnected} were disconnected, by codes ${JSON.stringify(codes)}`)
    dropped = disconnected
  }
}

async function tell(holders, ports) {
  const rooms = chooseRooms(connections, sample)
  say(`${shown(sample)} messages to a sample, all by the first node`)
  const refused = await sendTo({ load: values.load, port: ports[0], rooms, rate })
  return arrivals({ rooms, refused, nodeOf: (room) => holders.nodeOf(room), nodes, heard: () => holders.heard() })
}

/** Shares of a core that each kind of process took meanwhile. */
async function spent(kinds, act) {
  const read = () => Object.entries(kinds).map(([kind, pids]) => [kind, processorSeconds(pids)])
  const [start, before] = [performance.now(), read()]
  await act()
  const [took, after] = [(performance.now() - start) / 1_000, Object.fromEntries(read())]
  return Object.fromEntries(before.map(([kind, used]) => [kind, rounded((after[kind] - used) / took)]))
}

function memories(kinds) {
  const each = Object.entries(kinds).map(([kind, pids]) => [kind, memoryOf(pids)])
  return { ...Object.fromEntries(each), slab: slab() }
}

/** The larger of the moment when all had come and the end. */
function each({ before, with: first, last }, kind) {
  const larger = first[kind].resident > last[kind].resident ? first : last
  const names = Object.keys(larger[kind])
  return Object.fromEntries(
    names.map((name) => [name, rounded((larger[kind][name] - before[kind][name]) / connections)]),
  )
}

function rounded(value) {
  return Math.round(value * 1_000) / 1_000
}

function table(report) {
  const { joining, idle_cpu: cpu, memory_kib: memory, sample: told } = report
  const mib = (kind) =>
    `${shown(memory.before[kind].proportional / 1_024, 0)} / ${shown(memory.last[kind].proportional / 1_024, 0)}`
  const share = (value) => `${shown(value * 100, 1)} %`
  const quantiles = (times) => ['p50', 'p99', 'max'].map((at) => shown(times?.[at], 2)).join(', ')
  const kinds = Object.keys(cpu)
  const rows = [
    ['connections, nodes, generators', `${shown(connections)}, ${nodes}, ${report.generators}`],
    ['connecting: s, connections/s', `${shown(joining.seconds, 1)}, ${shown(joining.per_second)}`],
    ...kinds.map((kind) => [`  of a core meanwhile: ${kind}`, share(joining.cpu[kind])]),
    ['KiB a connection, nodes: resident', shown(report.kib_per_connection.resident, 2)],
    ['  shared once', shown(report.kib_per_connection.proportional, 2)],
    ['KiB a connection, generators: resident', shown(report.clients_kib_per_connection.resident, 2)],
    ['KiB a connection, kernel, both ends', shown(report.kernel_kib_per_connection, 2)],
    ...kinds.map((kind) => [`MiB before / at the end, shared once: ${kind}`, mib(kind)]),
    ['idle seconds', shown(seconds)],
    ...kinds.map((kind) => [`  of a core while idle: ${kind}`, share(cpu[kind])]),
    ['disconnected', `${report.disconnected} ${report.disconnected ? JSON.stringify(report.codes) : ''}`.trim()],
    ['sample: sent, refused, arrived, wrong', [told.sent, told.refused, told.arrived, told.wrong].join(', ')],
    ['  delivery ms: p50, p99, longest', quantiles(told.delivery_ms)],
    ['  on the node where they are sent', quantiles(told.there_ms)],
    ['  on the others', quantiles(told.elsewhere_ms)],
    ['  arrived on each node', told.on_each_node.join(', ')],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
