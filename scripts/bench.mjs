// `make bench`: measures Frontdesk and its peers in turn, server on one core and load generator on the other, and writes
// docs/benchmarks.md. ONLY=chat,storm measures a part and keeps the other results, QUICK=1 has a short look at all, FULL=1 adds ten
// million messages, PAGE=1 measures nothing and writes the page anew, PREPARE=1 only makes the data. ONLY=nodes-idle holds a hundred
// thousand connections for ten minutes, which is done only when it is asked for.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { brief } from './bench/brief.mjs'
import { busy, cores, keepLogs, loadAverage, machine, run, says } from './bench/host.mjs'
import { own } from './bench/own.mjs'
import { writePage } from './bench/page.mjs'
import { peers as allPeers, versions } from './bench/peers.mjs'
import { plan } from './bench/plan.mjs'
import { forgetOld, work } from './bench/worlds.mjs'

const quick = Boolean(process.env.QUICK)
const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    tools: { type: 'string' },
    // A quick look is no measurement to be kept.
    page: { type: 'string', default: quick ? 'target/bench/quick/benchmarks.md' : 'docs/benchmarks.md' },
  },
})
const limitMinutes = quick ? 16 : 70
const release = resolve(process.env.CARGO_TARGET_DIR ?? 'target', 'release')
const server = resolve(values.server ?? join(release, 'frontdesk'))
const load = resolve(values.tools ?? release, 'load')
const bare = resolve(values.tools ?? release, 'bare')
const results = join(work, quick ? 'quick/results' : 'results')

const everybody = allPeers({ server, bare, load })
const peers = new Map(everybody.filter((peer) => !peer.lacks()).map((peer) => [peer.key, peer]))
const all = plan({ quick, full: Boolean(process.env.FULL) })
const groups = process.env.PAGE ? [] : chosen(all, process.env.ONLY?.split(','))
for (const peer of everybody.filter(({ key }) => !peers.has(key)))
  console.log(`${peer.name} is left out: ${peer.lacks()} is not there`)
if (cores.server === cores.generator)
  console.log('There is one core: server and generator share it, and figures are lower for it.')

mkdirSync(results, { recursive: true })
if (groups.length > 0) await prepare(groups)
const began = Date.now()
const end = began + limitMinutes * 60_000
const groupsToMeasure = process.env.PREPARE ? [] : groups
for (const group of groupsToMeasure) {
  try {
    await measure(group)
  } catch (error) {
    process.exitCode = 1
    console.log(`${group.title} was not measured: ${reason(error)}`)
  }
}
const isWritten = writePage({ page: resolve(values.page), results, groups: all, peers: everybody, quick })
rmSync(join(work, 'run'), { recursive: true, force: true })
const outcome = isWritten ? `${values.page} is written` : 'Nothing was measured yet, so no page is written'
console.log(`\n${outcome}; it took ${minutes(began)} minutes`)

function chosen(groups, only) {
  const unknown = only?.filter((name) => !groups.some(({ key }) => key === name)) ?? []
  if (unknown.length > 0) {
    console.error(`frontdesk: there is no group ${unknown}; there are ${groups.map(({ key }) => key).join(', ')}`)
    process.exit(2)
  }
  return groups.filter(({ key, asked }) => (only ? only.includes(key) : !asked))
}

/** Makes the data before anything is measured; what cannot be made is told by the runs that need it. */
async function prepare(groups) {
  const start = Date.now()
  forgetOld()
  for (const { world, peers: keys } of groups.flatMap(({ cells }) => cells).filter(({ world }) => world)) {
    for (const key of keys.filter((name) => peers.has(name))) {
      try {
        await peers.get(key).prepare(world)
      } catch (error) {
        console.log(`${key}: ${world.rooms} rooms with ${world.messages} messages cannot be made: ${reason(error)}`)
      }
    }
  }
  if (Date.now() - start > 5_000) console.log(`The data is made; it took ${minutes(start)} minutes`)
}

/** Runs the cells of a group in rounds, the peers taking turns, and keeps what came of it. */
async function measure(group) {
  console.log(`\n${group.title}`)
  const facts = factsOfNow()
  const start = Date.now()
  const runs = []
  const rounds = Math.max(...group.cells.map((cell) => cell.rounds))
  for (let round = 0; round < rounds; round += 1) {
    for (const cell of group.cells) {
      for (const key of cell.peers.filter((name) => peers.has(name) && round < roundsOf(cell, name))) {
        runs.push({ cell: cell.id, peer: key, round, ...(await once(cell, peers.get(key))) })
        console.log(`  ${cell.name} · ${peers.get(key).name}: ${brief(runs.at(-1))}`)
      }
    }
  }
  const cells = group.cells.map(({ id, name, peers, x, axis, columns }) => ({ id, name, peers, x, axis, columns }))
  const seconds = Math.round((Date.now() - start) / 1_000)
  const report = { group: group.key, title: group.title, facts, seconds, cells, runs }
  writeFileSync(join(results, `${group.key}.json`), JSON.stringify(report, undefined, 1))
}

function roundsOf({ rounds, often }, key) {
  return often.includes(key) ? rounds : 1
}

function factsOfNow() {
  const commit = says('git', 'rev-parse', '--short=12', 'HEAD')
  const changed = says('git', 'status', '--porcelain', '--untracked-files=no', '--', '.', ':!docs')
    ? ' with changes'
    : ''
  return {
    date: new Date().toISOString(),
    commit: `${commit}${changed}`,
    machine: machine(),
    versions: versions(server),
    cores,
    quick,
  }
}

/** One peer, started anew, under one scenario, with the machine's noise before and after. */
async function once(cell, peer) {
  if (Date.now() > end) return { skipped: `not run: ${limitMinutes} minutes were over` }
  let running
  try {
    // Before the peer is started, so that whatever is busy is none of ours.
    const noise = { others: await busy(), load: loadAverage(), before: probe() }
    running = cell.own || cell.starts ? undefined : await peer.start(cell.world, placesOf(cell).server)
    const result = await resultOf(cell, peer, running)
    return { noise: { ...noise, after: probe() }, result }
  } catch (error) {
    keepLogs()
    process.exitCode = 1
    return { failed: reason(error) }
  } finally {
    await running?.end()
  }
}

/** What is `free` runs wherever the system puts it, all else on the core of its side. */
function placesOf({ free }) {
  return free ? {} : cores
}

async function resultOf(cell, peer, running) {
  const { own: name, starts, args, world, seconds = 240 } = cell
  if (name) return own[name]({ server, load, seconds, args })
  const at = running?.ports.map((port) => `127.0.0.1:${port}`).join(',')
  const target = running
    ? ['--at', at, '--pid', running.pids.join(','), ...(peer.origin ? ['--origin'] : [])]
    : ['--server', server, '--core', String(cores.server)]
  if (starts) target.push('--data', await peer.prepare(world))
  const words = typeof args === 'function' ? args(peer.key) : args
  const said = run(load, [...words.map(String), ...target], {
    core: placesOf(cell).generator,
    timeout: seconds * 1_000,
  })
  return JSON.parse(said)
}

/** The disk, and the processor on either core. */
function probe() {
  const on = (core, seconds) => JSON.parse(run(load, ['probe', '--folder', work, '--seconds', seconds], { core }))
  return { server: on(cores.server, '0.2'), generator: on(cores.generator, '0') }
}

function reason(error) {
  const said = String(error.stderr || error.message)
  return said.trim().split('\n').at(-1)
}

function minutes(since) {
  return ((Date.now() - since) / 60_000).toFixed(1)
}
