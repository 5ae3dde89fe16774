// The servers that are measured against each other: how each is given the same people and rooms, started on one core, and ended.
import { existsSync, mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { frontdeskData, nodesData, startFrontdesk, startNodes } from './frontdesk.mjs'
import { log, Process, run, says } from './host.mjs'
import { endAll, initPostgres, isThere, postgres, secret, serve, startPostgres, startRedis } from './services.mjs'
import { fresh, linesOf, made, work } from './worlds.mjs'

const venv = join(work, 'venv/bin')
const django = resolve('bench/peers/django')
const patience = { timeout: 1_200_000 }

/**
 * A peer is `{key, name, short, durable, origin, lacks(), prepare(world), start(world, core)}`; started, it is `{ports, pids, end()}`.
 */
export function peers({ server, bare, load }) {
  return [
    {
      key: 'frontdesk',
      name: 'Frontdesk, SQLite',
      short: 'Frontdesk',
      durable: true,
      lacks: () => !existsSync(server) && server,
      prepare: (world) => frontdeskData(server, load, world),
      start: (world, core) => startFrontdesk(server, load, world, core),
    },
    nodesPeer(server, load, { key: 'node', short: 'Frontdesk, PostgreSQL, one node', redis: false }),
    nodesPeer(server, load, { key: 'node-redis', short: 'Frontdesk, Redis, PostgreSQL, one node' }),
    nodesPeer(server, load, { key: 'nodes-redis', short: 'Frontdesk, Redis, PostgreSQL, two nodes', nodes: 2 }),
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
    djangoPeer(load, {
      key: 'django-redis-two',
      short: 'Django, Redis, PostgreSQL, two processes',
      redis: true,
      postgresql: true,
      processes: 2,
    }),
    djangoPeer(load, {
      key: 'django-redis-100',
      short: 'Django, Redis as it comes, PostgreSQL',
      redis: true,
      postgresql: true,
      capacity: 100,
    }),
    {
      key: 'bare',
      name: 'bare broadcast: no accounts, storage or presence',
      short: 'bare',
      origin: true,
      lacks: () => !existsSync(bare) && bare,
      prepare: () => undefined,
      start: (_world, core) => startBare(bare, core),
    },
  ]
}

function startBare(bare, core) {
  return serve([], 1, (port) => new Process(bare, [`127.0.0.1:${port}`], { core, log: log('bare') }))
}

function nodesPeer(server, load, { key, short, nodes = 1, redis = true }) {
  const needs = [server, postgres('initdb'), ...(redis ? ['redis-server'] : [])]
  const wire = redis ? 'Redis, ' : ''
  return {
    key,
    name: `Frontdesk, ${nodes > 1 ? `${nodes} nodes` : 'one node'}, ${wire}PostgreSQL`,
    short,
    durable: true,
    lacks: () => needs.find((path) => !isThere(path)),
    prepare: (world) => nodesData(server, load, world),
    start: (world, core) => startNodes(server, load, world, { nodes, redis, core }),
  }
}

function djangoPeer(load, { key, short, synchronous = 'NORMAL', ...more }) {
  const { door = 'uvicorn', redis = false, postgresql = false, processes = 1, capacity } = more
  const storage = postgresql ? 'PostgreSQL' : `SQLite ${synchronous}`
  const layer = `${redis ? 'Redis' : 'in-memory'} layer${capacity ? ` with its capacity of ${capacity}` : ''}`
  const options = { door, synchronous, redis, postgresql, processes, capacity }
  const needs = [join(venv, door), ...(redis ? ['redis-server'] : []), ...(postgresql ? [postgres('initdb')] : [])]
  return {
    key,
    name: `Django, ${door}${processes > 1 ? `, ${processes} processes` : ''}, ${layer}, ${storage}`,
    short,
    durable: postgresql || synchronous === 'FULL',
    origin: true,
    lacks: () => needs.find((path) => !isThere(path)),
    prepare: (world) => djangoData(load, postgresql, world),
    start: (world, core) => startDjango(load, options, world, core),
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

async function startDjango(load, { door, synchronous, redis, postgresql, processes, capacity }, world, core) {
  const folder = fresh(await djangoData(load, postgresql, world), 'django', world)
  const running = []
  try {
    const database = postgresql ? await startPostgres(folder, running, { core }) : join(folder, 'db.sqlite3')
    const layer = redis ? { PEER_REDIS: await startRedis(running, core) } : {}
    if (capacity) layer.PEER_CAPACITY = String(capacity)
    const env = djangoEnv(database, { PEER_SYNCHRONOUS: synchronous, ...layer })
    const start = (port, place) => {
      const options = { core, log: log(`${door}-${place}`), cwd: django, env }
      return new Process(join(venv, door), doors[door](port), options)
    }
    return await serve(running, processes, start)
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
