// Redis and PostgreSQL for the peer that is built on them, on the server's core.
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { cores, freePort, log, Process, run } from './host.mjs'
import { work } from './worlds.mjs'

/** A Redis that keeps nothing; it is added to `running`. */
export async function startRedis(running) {
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', work]
  const redis = new Process('redis-server', args, { core: cores.server, log: log('redis') })
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

/** A server on that folder; it is added to `running`. */
export async function startPostgres(folder, running) {
  const port = await freePort()
  const settings = ['shared_buffers=256MB', 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const flags = ['-D', folder, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])]
  const [server, ...args] = asPostgres(postgres('postgres'), ...flags)
  const database = new Process(server, args, { core: cores.server, log: log('postgres'), cwd: '/' })
  running.push(database)
  await database.listens(port)
  return `postgresql://frontdesk@127.0.0.1:${port}/postgres`
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

function isRoot() {
  return process.getuid() === 0
}

function asPostgres(...words) {
  return isRoot() ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...words] : words
}
