// Frontdesk as it is measured: one server on SQLite, or nodes on a throwaway PostgreSQL with or without Redis.
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cores, log, Process, run } from './host.mjs'
import { connectionsUsual, endAll, initPostgres, secret, serve, startPostgres, startRedis } from './services.mjs'
import { fresh, importedMost, linesOf, made, work } from './worlds.mjs'

const patience = { timeout: 1_200_000 }
/** More than the connections that a node keeps open to PostgreSQL. */
const connectionsPerNode = 40
const upToDate = new Set()

export function frontdeskEnv() {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_'))
  return { ...Object.fromEntries(own), FRONTDESK_JWT_SECRET: secret, FRONTDESK_LOG: 'warn' }
}

/** The folder in which its SQLite database holds this world. */
export async function frontdeskData(server, load, world) {
  const data = await made(`frontdesk-${world.rooms}-${world.messages}`, async (folder) => {
    const imported = world.messages > importedMost ? { ...world, messages: 0 } : world
    mkdirSync(folder, { recursive: true })
    run(server, ['import', '--data', folder, await linesOf(load, imported)], { env: frontdeskEnv(), ...patience })
    if (imported !== world) await fill(server, load, folder, world)
  })
  // Another build may have made it: any command migrates it, so that no start that is timed has to.
  if (!upToDate.has(data)) run(server, ['token', '--user', '1', '--data', data], { env: frontdeskEnv(), ...patience })
  upToDate.add(data)
  return data
}

async function fill(server, load, folder, { rooms, messages }) {
  const { ports, end } = await serveFrom(server, folder, cores.server)
  try {
    const args = ['fill', '--at', `127.0.0.1:${ports[0]}`, '--rooms', String(rooms), '--messages', String(messages)]
    run(load, args, { core: cores.generator, ...patience })
  } finally {
    await end()
  }
}

export async function startFrontdesk(server, load, world, core) {
  return serveFrom(server, fresh(await frontdeskData(server, load, world), 'frontdesk', world), core)
}

function serveFrom(server, folder, core) {
  return serve([], 1, (port) => node(server, folder, { port, core, name: 'frontdesk' }))
}

/** Without limits on rates and connections, since a thousand of the generator's people come from one address. */
function node(server, folder, { port, core, name, more = [] }) {
  const args = ['serve', '--data', folder, '--listen', `127.0.0.1:${port}`, '--rate-limit', '0', ...more]
  return new Process(server, args, { core, log: log(name), env: frontdeskEnv() })
}

/** The folder of a PostgreSQL cluster in which Frontdesk's tables hold this world. */
export function nodesData(server, load, world) {
  return made(`frontdesk-postgresql-${world.rooms}-${world.messages}`, async (folder) => {
    const lines = await linesOf(load, world)
    const running = []
    try {
      initPostgres(folder)
      const url = await startPostgres(folder, running)
      const where = ['--data', emptyFolder('import'), '--database-url', url]
      run(server, ['import', ...where, lines], { env: frontdeskEnv(), ...patience })
    } finally {
      await endAll(running)
    }
  })
}

/**
 * Nodes on a copy of that cluster: `{ports, pids, end()}`, and as `services` the pids of each kind of process.
 */
export async function startNodes(server, load, world, { nodes = 1, redis = true, core } = {}) {
  const folder = fresh(await nodesData(server, load, world), 'frontdesk-postgresql', world)
  const running = []
  const pids = () => running.map(({ pid }) => pid)
  try {
    const connections = connectionsUsual + nodes * connectionsPerNode
    const more = ['--database-url', await startPostgres(folder, running, { core, connections })]
    const postgres = pids()
    if (redis) more.push('--redis-url', await startRedis(running, core))
    const services = { postgres, redis: pids().slice(postgres.length) }
    const before = running.length
    const served = await serve(running, nodes, (port, place) => {
      const name = `node-${place}`
      return node(server, emptyFolder(name), { port, core, name, more })
    })
    return { ...served, services: { nodes: pids().slice(before), ...services } }
  } catch (error) {
    await endAll(running)
    throw error
  }
}

function emptyFolder(name) {
  const folder = join(work, 'run', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  return folder
}
