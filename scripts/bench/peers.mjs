// The servers that are measured against each other: how each is given the same people and rooms, started on one core, and ended.
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cores, freePort, log, Process, run, says } from './host.mjs'
import { endAll, initPostgres, postgres, startPostgres, startRedis } from './services.mjs'
import { fresh, importedMost, linesOf, made, work } from './worlds.mjs'

const secret = 'known-to-the-harness-and-its-servers-only'
const venv = join(work, 'venv/bin')
const django = resolve('bench/peers/django')
const patience = { timeout: 1_200_000 }

/** A peer is `{key, name, short, durable, origin, lacks(), prepare(world), start(world)}`; started, it is `{port, pids, end()}`. */
export function peers({ server, bare, load }) {
  return [
    {
      key: 'frontdesk',
      name: 'Frontdesk, SQLite',
      short: 'Frontdesk',
      durable: true,
      lacks: () => !existsSync(server) && server,
      prepare: (world) => frontdeskData(server, load, world),
      start: (world) => startFrontdesk(server, load, world),
    },
    djangoPeer(load, { key: 'django-full', short: 'Django, SQLite FULL', synchronous: 'FULL' }),
    djangoPeer(load, { key: 'django', short: 'Django, SQLite NORMAL' }),
    djangoPeer(load, { key: 'django-daphne', short: 'Django, Daphne', door: 'daphne' }),
    djangoPeer(load, {
      key: 'django-redis-full',
      short: 'Django, Redis, SQLite FULL',
      synchronous: 'FULL',
      redis: true,
    }),
    djangoPeer(load, { key: 'django-redis', short: 'Django, Redis, PostgreSQL', redis: true, postgresql: true }),
    {
      key: 'bare',
      name: 'bare broadcast: no accounts, storage or presence',
      short: 'bare',
      origin: true,
      lacks: () => !existsSync(bare) && bare,
      prepare: () => undefined,
      start: () => startBare(bare),
    },
  ]
}

const upToDate = new Set()

/** The folder in which Frontdesk's database holds this world. */
async function frontdeskData(server, load, world) {
  const data = await made(`frontdesk-${world.rooms}-${world.messages}`, async (folder) => {
    const imported = world.messages > importedMost ? { ...world, messages: 0 } : world
    mkdirSync(folder, { recursive: true })
    run(server, ['import', '--data', folder, await linesOf(load, imported)], { env: frontdeskEnv(), ...patience })
    if (imported !== world) await fillFrontdesk(server, load, folder, world)
  })
  // Another build may have made it: any command migrates it, so that no start that is timed has to.
  if (!upToDate.has(data)) run(server, ['token', '--user', '1', '--data', data], { env: frontdeskEnv(), ...patience })
  upToDate.add(data)
  return data
}

async function fillFrontdesk(server, load, folder, { rooms, messages }) {
  const { port, end } = await serveFrontdesk(server, folder)
  try {
    const args = ['fill', '--at', `127.0.0.1:${port}`, '--rooms', String(rooms), '--messages', String(messages)]
    run(load, args, { core: cores.generator, ...patience })
  } finally {
    await end()
  }
}

function frontdeskEnv() {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_'))
  return { ...Object.fromEntries(own), FRONTDESK_JWT_SECRET: secret, FRONTDESK_LOG: 'warn' }
}

async function startFrontdesk(server, load, world) {
  return serveFrontdesk(server, fresh(await frontdeskData(server, load, world), 'frontdesk', world))
}

/** Without limits on rates and connections, since a thousand of the generator's people come from one address. */
async function serveFrontdesk(server, folder) {
  const port = await freePort()
  const args = ['serve', '--data', folder, '--listen', `127.0.0.1:${port}`, '--rate-limit', '0']
  const own = new Process(server, args, { core: cores.server, log: log('frontdesk'), env: frontdeskEnv() })
  return listening([own], port)
}

async function startBare(bare) {
  const port = await freePort()
  return listening([new Process(bare, [`127.0.0.1:${port}`], { core: cores.server, log: log('bare') })], port)
}

function djangoPeer(load, { key, short, door = 'uvicorn', synchronous = 'NORMAL', redis = false, postgresql = false }) {
  const storage = postgresql ? 'PostgreSQL' : `SQLite ${synchronous}`
  const options = { door, synchronous, redis, postgresql }
  const needs = [join(venv, door), ...(redis ? ['redis-server'] : []), ...(postgresql ? [postgres('initdb')] : [])]
  return {
    key,
    name: `Django, ${door}, ${redis ? 'Redis' : 'in-memory'} layer, ${storage}`,
    short,
    durable: postgresql || synchronous === 'FULL',
    origin: true,
    lacks: () => needs.find((path) => !isThere(path)),
    prepare: (world) => djangoData(load, postgresql, world),
    start: (world) => startDjango(load, options, world),
  }
}

/** A database that Django made and filled. */
function djangoData(load, postgresql, world) {
  const name = `django-${postgresql ? 'postgresql' : 'sqlite'}-${world.rooms}-${world.messages}`
  return made(name, async (folder) => {
    const lines = await linesOf(load, world)
    mkdirSync(folder, { recursive: true })
    if (!postgresql) return fill(lines, djangoEnv(join(folder, 'db.sqlite3')))
    const running = []
    try {
      initPostgres(folder)
      fill(lines, djangoEnv(await startPostgres(folder, running)))
    } finally {
      await endAll(running)
    }
  })
}

function fill(lines, env) {
  const python = join(venv, 'python')
  run(python, ['manage.py', 'migrate', '--run-syncdb', '-v', '0'], { cwd: django, env })
  run(python, ['manage.py', 'seed', lines], { cwd: django, env, ...patience })
}

async function startDjango(load, { door, synchronous, redis, postgresql }, world) {
  const folder = fresh(await djangoData(load, postgresql, world), 'django', world)
  const running = []
  try {
    const database = postgresql ? await startPostgres(folder, running) : join(folder, 'db.sqlite3')
    const layer = redis ? { PEER_REDIS: await startRedis(running) } : {}
    const env = djangoEnv(database, { PEER_SYNCHRONOUS: synchronous, ...layer })
    const port = await freePort()
    running.push(
      new Process(join(venv, door), doors[door](port), { core: cores.server, log: log(door), cwd: django, env }),
    )
    return await listening(running, port)
  } catch (error) {
    await endAll(running)
    throw error
  }
}

const application = 'desk.asgi:application'
const doors = {
  daphne: (port) => ['-b', '127.0.0.1', '-p', String(port), '-v', '0', application],
  uvicorn: (port) => {
    const speed = '--ws websockets-sansio --ws-per-message-deflate false --loop uvloop --http httptools'
    const quiet = '--lifespan off --no-access-log --log-level warning'
    return ['--host', '127.0.0.1', '--port', String(port), ...speed.split(' '), ...quiet.split(' '), application]
  },
}

function djangoEnv(database, more = {}) {
  return { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PEER_SECRET: secret, PEER_DATABASE: database, ...more }
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

function isThere(path) {
  return path.includes('/') ? existsSync(path) : says('sh', '-c', `command -v ${path}`) !== undefined
}

/** Versions of what is measured, as far as it is there. */
export function versions(server) {
  const packages = existsSync(join(venv, 'pip'))
    ? run(join(venv, 'pip'), ['freeze', '--disable-pip-version-check'])
    : ''
  const wanted = 'Django channels channels_redis daphne uvicorn uvloop websockets redis psycopg'.split(' ')
  const found = wanted.map((name) => packages.match(new RegExp(`^${name}==(.*)$`, 'm'))?.[0].replace('==', ' '))
  const redis = says('redis-server', '--version')?.match(/v=(\S+)/)?.[1]
  const python = says(join(venv, 'python'), '--version')
  const all = [
    says(server, '--version'),
    python,
    ...found,
    redis && `Redis ${redis}`,
    says(postgres('postgres'), '--version'),
  ]
  return all.filter(Boolean)
}
