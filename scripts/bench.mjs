// `make bench`: measures Frontdesk and its peers in turn, server on one core and load generator on the other, and writes
// docs/benchmarks.md. ONLY=chat,storm measures a part, QUICK=1 has a short look.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { busy, busyShare, cores, loadAverage, machine, run, says } from './bench/host.mjs'
import { writePage } from './bench/page.mjs'
import { frontdeskData, peers as allPeers, versions, work } from './bench/peers.mjs'
import { plan } from './bench/plan.mjs'

const { values } = parseArgs({
  options: {
    server: { type: 'string' },
    tools: { type: 'string' },
    page: { type: 'string', default: 'docs/benchmarks.md' },
  },
})
const quick = Boolean(process.env.QUICK)
const only = process.env.ONLY?.split(',')
const limitMinutes = quick ? 8 : 40
const release = resolve(process.env.CARGO_TARGET_DIR ?? 'target', 'release')
const server = resolve(values.server ?? join(release, 'frontdesk'))
const load = resolve(values.tools ?? release, 'load')
const bare = resolve(values.tools ?? release, 'bare')

const groups = plan(quick)
const unknown = only?.filter((name) => !groups.some(({ key }) => key === name))
if (unknown?.length) {
  console.error(`frontdesk: there is no group ${unknown}; there are ${groups.map(({ key }) => key).join(', ')}`)
  process.exit(2)
}
const peers = new Map(allPeers({ server, bare, load }).map((peer) => [peer.key, peer]))
const lacking = [...peers.values()].filter((peer) => peer.lacks())
for (const peer of lacking) {
  console.log(`${peer.name} is left out: ${peer.lacks()} is not there`)
  peers.delete(peer.key)
}
if (cores.server === cores.generator)
  console.log('There is one core: server and generator share it, and figures are lower for it.')

mkdirSync(join(work, 'results'), { recursive: true })
const began = Date.now()
const end = began + limitMinutes * 60_000
for (const group of groups.filter(({ key }) => !only || only.includes(key))) await measure(group)
writePage({ page: resolve(values.page), groups, peers: [...allPeers({ server, bare, load })] })
rmSync(join(work, 'run'), { recursive: true, force: true })
console.log(`${values.page} is written; it took ${Math.ceil((Date.now() - began) / 60_000)} minutes`)

/** Runs the cells of a group, each peer in turn, and again, and keeps what came of it. */
async function measure(group) {
  console.log(`\n${group.title}`)
  const runs = []
  for (let round = 0; round < group.repeats; round += 1) {
    for (const cell of group.cells) {
      for (const key of cell.peers.filter((name) => peers.has(name))) {
        runs.push({ cell: cell.name, peer: key, round, ...(await once(cell, peers.get(key))) })
        console.log(`  ${cell.name} · ${peers.get(key).name}: ${brief(runs.at(-1))}`)
      }
    }
  }
  const commit = says('git', 'rev-parse', '--short=12', 'HEAD')
  const changed = says('git', 'status', '--porcelain', '--untracked-files=no') ? ' with changes' : ''
  const facts = {
    date: new Date().toISOString(),
    commit: `${commit}${changed}`,
    machine: machine(),
    versions: versions(server),
    cores,
    quick,
  }
  writeFileSync(
    join(work, 'results', `${group.key}.json`),
    JSON.stringify({ group: group.key, facts, runs }, undefined, 1),
  )
}

/** One peer, started anew, under one scenario, with the machine's noise before and after. */
async function once(cell, peer) {
  if (Date.now() > end) return { skipped: `not run: ${limitMinutes} minutes were over` }
  let running
  try {
    // Before the peer is started, so that whatever is busy is none of ours.
    const noise = { others: await busy(), load: loadAverage(), before: probe() }
    const args = cell.args.map(String)
    const data = cell.starts ? frontdeskData(server, load, cell.world) : undefined
    running = cell.starts ? undefined : await peer.start(cell.world)
    const target = running
      ? ['--at', `127.0.0.1:${running.port}`, '--pid', running.pids.join(','), ...(peer.origin ? ['--origin'] : [])]
      : ['--server', server, '--data', data, '--core', String(cores.server)]
    const result = JSON.parse(run(load, [...args, ...target], { core: cores.generator }))
    return { noise: { ...noise, after: probe() }, result }
  } catch (error) {
    return {
      failed: String(error.stderr || error.message)
        .trim()
        .split('\n')
        .at(-1),
    }
  } finally {
    await running?.end()
  }
}

function probe() {
  return JSON.parse(run(load, ['probe', '--folder', work, '--seconds', '0.2']))
}

function brief({ failed, skipped, result, noise }) {
  if (failed || skipped) return failed ?? skipped
  const figures = [
    result.messages_per_second !== undefined && `${Math.round(result.messages_per_second)} messages/s`,
    result.deliveries_per_second !== undefined && `${Math.round(result.deliveries_per_second)} deliveries/s`,
    result.delivery_ms && `p50 ${result.delivery_ms.p50} ms, p99 ${result.delivery_ms.p99} ms`,
    result.per_second && `${result.per_second} connections/s`,
    result.kib_per_connection && `${result.kib_per_connection} KiB a connection`,
    result.back && `all back after ${result.back.seconds} s`,
    result.ready_ms && `ready after ${Math.round(result.ready_ms.median)} ms`,
    result.summary && `first page p99 ${result['first page'].p99} ms`,
    noise.others > busyShare && `(others took ${Math.round(noise.others * 100)} % of the machine)`,
  ]
  return figures.filter(Boolean).join(', ')
}
