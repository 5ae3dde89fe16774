// `make dev`: the server on port 8000 and Vite on 5173 in front of it. The server is built and started again when its
// sources change; what it was told (FRONTDESK_…) stays; Vite changes the pages in place.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { join, resolve } from 'node:path'

const root = join(import.meta.dirname, '..')
const binary = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug', 'frontdesk')
/** Editors write a file in several steps. */
const settle_ms = 150

let server = null
let building = false
let stale = false
let timer

const start = (command, args, cwd = root) => spawn(command, args, { cwd, stdio: 'inherit' })
const ended = (child) =>
  new Promise((done) => ((child.exitCode ?? child.signalCode) === null ? child.once('exit', done) : done()))

async function rebuild() {
  if (building) {
    stale = true
    return
  }
  building = true
  do {
    stale = false
    const build = start('cargo', ['build', '-q', '-p', 'frontdesk'])
    await ended(build)
    // What does not compile leaves the last good server running.
    if (build.exitCode === 0 && !stale) await restart()
  } while (stale)
  building = false
}

async function restart() {
  if (server) {
    server.kill('SIGTERM')
    await ended(server)
  }
  server = start(binary, ['serve', '--demo'])
}

for (const crate of ['protocol', 'store', 'server']) {
  watch(join(root, 'crates', crate), { recursive: true }, (_, file) => {
    if (!file || !/\.(rs|sql|toml)$/.test(file)) return
    clearTimeout(timer)
    timer = setTimeout(rebuild, settle_ms)
  })
}

// Started without npx, which would not pass a signal on.
const vite = start(
  process.execPath,
  [join('node_modules', 'vite', 'bin', 'vite.js'), '--clearScreen', 'false', '--strictPort'],
  join(root, 'web'),
)
vite.once('exit', leave)
process.once('SIGINT', leave)
process.once('SIGTERM', leave)

async function leave() {
  server?.kill('SIGTERM')
  vite.kill('SIGTERM')
  if (server) await ended(server)
  process.exit()
}

await rebuild()
