// The servers that are measured against each other: how each is given the same people and rooms, started on one core, and ended.
import { cpSync, existsSync, mkdirSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cores, freePort, Process, run, says } from './host.mjs'

export const work = resolve('target/bench')
const secret = 'known-to-the-harness-and-its-servers-only'
const venv = join(work, 'venv/bin')
const django = resolve('bench/peers/django')

/** A peer is `{key, name, durable, origin, lacks(), start(world)}`; started, it is `{port, pids, end()}`. */
export function peers({ server, bare, load }) {
  const frontdesk = {
    key: 'frontdesk',
    name: 'Frontdesk, SQLite',
    durable: 'every commit synced',
    lacks: () => !existsSync(server) && server,
    start: (world) => startFrontdesk(server, load, world),
  }
  const ceiling = {
    key: 'bare',
    name: 'bare broadcast: no accounts, storage or presence',
    durable: 'nothing stored',
    origin: true,
    lacks: () => !existsSync(bare) && bare,
    start: () => startBare(bare),
  }
  return [
    frontdesk,
    djangoPeer(load, 'django-full', 'uvicorn', { synchronous: 'FULL' }),
    djangoPeer(load, 'django', 'uvicorn', {}),
    djangoPeer(load, 'django-daphne', 'daphne', {}),
    djangoPeer(load, 'django-redis', 'uvicorn', { services: true }),
    ceiling,
  ]
}

/** The folder in which Frontdesk's database holds this world; made once. */
export function frontdeskData(server, load, world) {
  const data = made(`frontdesk-${world.rooms}-${world.messages}`, (folder) => {
    mkdirSync(folder, { recursive: true })
    run(server, ['import', '--data', folder, linesOf(load, world)], { env: frontdeskEnv(), timeout: 900_000 })
  })
  // An older build may have made it: any command brings it up to date, so that no start that is timed has to.
  run(server, ['token', '--user', '1', '--data', data], { env: frontdeskEnv() })
  return data
}

function frontdeskEnv() {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_'))
  return { ...Object.fromEntries(own), FRONTDESK_JWT_SECRET: secret, FRONTDESK_LOG: 'warn' }
}

async function startFrontdesk(server, load, world) {
  const folder = fresh(frontdeskData(server, load, world), 'frontdesk')
  const port = await freePort()
  const args = ['serve', '--data', folder, '--listen', `127.0.0.1:${port}`, '--rate-limit', '0']
  return listening(
    [new Process(server, args, { core: cores.server, log: log('frontdesk'), env: frontdeskEnv() })],
    port,
  )
}

async function startBare(bare) {
  const port = await freePort()
  return listening([new Process(bare, [`127.0.0.1:${port}`], { core: cores.server, log: log('bare') })], port)
}

function djangoPeer(load, key, door, { synchronous = 'NORMAL', services = false }) {
  const storage = services ? 'Redis, PostgreSQL' : `in-memory layer, SQLite${synchronous === 'FULL' ? ' FULL' : ''}`
  return {
    key,
    name: `Django, ${door}, ${storage}`,
    durable: services || synchronous === 'FULL' ? 'every commit synced' : 'last commits lost in a power cut',
    origin: true,
    lacks: () =>
      [join(venv, door), ...(services ? ['redis-server', postgres('initdb')] : [])].find((path) => !isThere(path)),
    start: (world) => (services ? startWithServices(load, door, world) : startAlone(load, door, synchronous, world)),
  }
}

async function startAlone(load, door, synchronous, world) {
  const template = made(`django-${world.rooms}-${world.messages}`, (folder) => {
    mkdirSync(folder, { recursive: true })
    fill(load, world, djangoEnv(join(folder, 'db.sqlite3')))
  })
  const env = djangoEnv(join(fresh(template, 'django'), 'db.sqlite3'), { PEER_SYNCHRONOUS: synchronous })
  const port = await freePort()
  return listening([startDjango(door, port, env)], port)
}

async function startWithServices(load, door, world) {
  const running = []
  try {
    const [redisPort, databasePort, port] = [await freePort(), await freePort(), await freePort()]
    const redis = ['--port', redisPort, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', work]
    running.push(new Process('redis-server', redis.map(String), { core: cores.server, log: log('redis') }))
    await running[0].listens(redisPort)
    const url = await startPostgres(databasePort, running)
    const env = djangoEnv(url, { PEER_REDIS: `redis://127.0.0.1:${redisPort}/0` })
    fill(load, world, env)
    running.push(startDjango(door, port, env))
    return await listening(running, port)
  } catch (error) {
    await endAll(running)
    throw error
  }
}

/** PostgreSQL refuses to run as root: then it runs as the account that its package made. */
async function startPostgres(port, running) {
  const folder = join(work, 'run/postgres')
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  const isRoot = process.getuid() === 0
  const as = (...words) =>
    isRoot ? ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups', ...words] : words
  if (isRoot) run('chown', ['postgres:postgres', folder])
  const [initdb, ...initdbArgs] = as(
    postgres('initdb'),
    '-D',
    folder,
    '-A',
    'trust',
    '-U',
    'frontdesk',
    '-E',
    'UTF8',
    '--locale=C',
  )
  run(initdb, initdbArgs, { cwd: '/' })
  const settings = [
    '-c',
    'shared_buffers=256MB',
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${folder}`,
  ]
  const [server, ...args] = as(postgres('postgres'), '-D', folder, '-p', String(port), ...settings)
  const database = new Process(server, args, { core: cores.server, log: log('postgres'), cwd: '/' })
  running.push(database)
  await database.listens(port)
  return `postgresql://frontdesk@127.0.0.1:${port}/postgres`
}

function startDjango(door, port, env) {
  const address = {
    daphne: ['-b', '127.0.0.1', '-p', String(port), '-v', '0'],
    uvicorn: ['--host', '127.0.0.1', '--port', String(port)],
  }
  const quick = [
    '--ws',
    'websockets-sansio',
    '--ws-per-message-deflate',
    'false',
    '--loop',
    'uvloop',
    '--http',
    'httptools',
  ]
  const quiet = ['--lifespan', 'off', '--no-access-log', '--log-level', 'warning']
  const args = [...address[door], ...(door === 'uvicorn' ? [...quick, ...quiet] : []), 'desk.asgi:application']
  return new Process(join(venv, door), args, { core: cores.server, log: log(door), cwd: django, env })
}

function djangoEnv(database, more = {}) {
  return { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PEER_SECRET: secret, PEER_DATABASE: database, ...more }
}

function fill(load, world, env) {
  const python = join(venv, 'python')
  run(python, ['manage.py', 'migrate', '--run-syncdb', '-v', '0'], { cwd: django, env })
  run(python, ['manage.py', 'seed', linesOf(load, world)], { cwd: django, env, timeout: 900_000 })
}

/** The same people, rooms and messages for every peer, as lines. */
function linesOf(load, { rooms, messages }) {
  return made(`world-${rooms}-${messages}.jsonl`, (path) => {
    run('sh', ['-c', `"$0" data --rooms ${rooms} --messages ${messages} > "$1"`, load, path])
  })
}

/** Something under target/bench/data that is made once; what was begun and not finished is begun anew. */
function made(name, make) {
  const path = join(work, 'data', name)
  if (!existsSync(path)) {
    mkdirSync(join(work, 'data'), { recursive: true })
    const half = `${path}.half`
    rmSync(half, { recursive: true, force: true })
    make(half)
    renameSync(half, path)
  }
  return path
}

/** A copy to run on, so that no run finds what another left. */
function fresh(template, name) {
  const folder = join(work, 'run', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(work, 'run'), { recursive: true })
  cpSync(template, folder, { recursive: true })
  return folder
}

function log(name) {
  mkdirSync(join(work, 'logs'), { recursive: true })
  return openSync(join(work, 'logs', `${name}.log`), 'w')
}

async function listening(running, port) {
  try {
    await running.at(-1).listens(port)
  } catch (error) {
    await endAll(running)
    throw error
  }
  return { port, pids: running.map(({ pid }) => pid), end: () => endAll(running) }
}

async function endAll(running) {
  // PostgreSQL and Redis leave at once when told by SIGINT and SIGTERM; the last to start is the first to go.
  for (const one of [...running].reverse()) await one.end('SIGINT')
}

function postgres(program) {
  const home = '/usr/lib/postgresql'
  const versions = existsSync(home) ? readdirSync(home).sort((one, other) => Number(other) - Number(one)) : []
  return join(home, versions[0] ?? 'none', 'bin', program)
}

function isThere(path) {
  return path.includes('/') ? existsSync(path) : says('sh', '-c', `command -v ${path}`) !== undefined
}

/** Versions of what is measured, as far as it is there. */
export function versions(server) {
  const packages = existsSync(join(venv, 'pip'))
    ? run(join(venv, 'pip'), ['freeze', '--disable-pip-version-check'])
    : ''
  const python = [
    'Django',
    'channels',
    'channels_redis',
    'daphne',
    'uvicorn',
    'uvloop',
    'websockets',
    'redis',
    'psycopg',
  ]
  const found = python.map((name) => packages.match(new RegExp(`^${name}==(.*)$`, 'm'))?.[0].replace('==', ' '))
  const redis = says('redis-server', '--version')?.match(/v=(\S+)/)?.[1]
  return [
    says(server, '--version'),
    says(join(venv, 'python'), '--version'),
    ...found,
    redis && `Redis ${redis}`,
    says(postgres('postgres'), '--version'),
  ].filter(Boolean)
}
