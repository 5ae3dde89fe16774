// Redis and PostgreSQL for the servers that are built on them, and how all that belongs to a server is waited for and ended.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, log, Process, run, says } from './host.mjs'
import { work } from './worlds.mjs'

export const secret = 'known-to-the-harness-and-its-servers-only'
/** PostgreSQL's own default. */
export const connectionsUsual = 100

/** A Redis that keeps nothing; it is added to `running`. */
export async function startRedis(running, core) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', work]
  const redis = new Process('redis-server', args, { core, log: log('redis') })
  running.push(redis)
  await redis.listens(port)
  return `redis://127.0.0.1:${port}/0`
}

/** A folder for a new cluster. PostgreSQL refuses to run as root: then it runs as the account that its package made. */
export function initPostgres(folder) {
  mkdirSync(folder, { recursive: true })
  if (isRoot()) run('chown', ['postgres:postgres', folder])
  const flags = ['-D', folder, '-A', 'trust', '-U', 'frontdesk', '-E', 'UTF8', '--locale=C']
  const [initdb, ...args] = asPostgres(postgres('initdb'), ...flags)
  run(initdb, args, { cwd: '/' })
}

/** A server on that folder which syncs every commit; it is added to `running`. */
export async function startPostgres(folder, running, { core, connections = connectionsUsual } = {}) {
  const port = await freePort()
  const durable = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on']
  // Over TCP only: a socket's path may be too long in a deep folder.
  const where = ['listen_addresses=127.0.0.1', 'unix_socket_directories=']
  const settings = ['shared_buffers=256MB', `max_connections=${connections}`, ...durable, ...where]
  const flags = ['-D', folder, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const [server, ...args] = asPostgres(postgres('postgres'), ...flags)
  const database = new Process(server, args, { core, log: log('postgres'), cwd: '/' })
  running.push(database)
  await database.listens(port)
  await lets(port)
  return `postgresql://frontdesk@127.0.0.1:${port}/postgres`
}

/** It listens before it lets anybody in. */
async function lets(port) {
  for (let tries = 0; tries < 600; tries += 1) {
    if (says(postgres('pg_isready'), '-h', '127.0.0.1', '-p', String(port), '-d', 'postgres')) return
    await sleep(50)
  }
  throw new Error(`PostgreSQL on port ${port} lets nobody in after 30 s`)
}

/** Starts so many of a server, each on a port of its own, which then listen; they are added to `running`. */
export async function serve(running, count, start) {
  try {
    const started = []
    for (let place = 0; place < count; place += 1) {
      const port = await freePort()
      running.push(start(port, place))
      started.push({ port, one: running.at(-1) })
    }
    for (const { port, one } of started) await one.listens(port)
    return { ports: started.map(({ port }) => port), pids: running.map(({ pid }) => pid), end: () => endAll(running) }
  } catch (error) {
    await endAll(running)
    throw error
  }
}

/** PostgreSQL and Redis leave at once when told by SIGINT; the last to start is the first to go. */
export async function endAll(running) {
  for (const one of [...running].reverse()) await one.end('SIGINT')
}

/** The newest PostgreSQL's program of that name. */
export function postgres(program) {
  const home = '/usr/lib/postgresql'
  const versions = existsSync(home) ? readdirSync(home).sort((one, other) => Number(other) - Number(one)) : []
  return join(home, versions[0] ?? 'none', 'bin', program)
}

/** Whether a program can be started: a path, or a name to look for. */
export function isThere(path) {
  return path.includes('/') ? existsSync(path) : says('sh', '-c', `command -v ${path}`) !== undefined
}

function isRoot() {
  return process.getuid() === 0
}

function asPostgres(...words) {
  return isRoot() ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...words] : words
}
