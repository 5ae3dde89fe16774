// The people, rooms and messages that every server is given: made once, kept under target/bench/data until what makes them changes,
// and copied for each run.
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { run } from './host.mjs'

export const work = resolve('target/bench')

/** More messages than this are written by the server itself, which is faster than its import. */
export const importedMost = 250_000
/** What holds more is not copied for a run: some seconds of writing to it change nothing. */
const copiedMost = 2_000_000

const makers = [
  'bench/src/load/data.rs',
  'bench/peers/django/chat/models.py',
  'bench/peers/django/chat/management/commands/seed.py',
]
const migrations = ['crates/store/migrations/sqlite', 'crates/store/migrations/postgres']

/** Named after what makes the data, so that none is of another form. */
function home() {
  const hash = createHash('sha1')
  const schema = migrations.flatMap((folder) =>
    readdirSync(folder)
      .sort()
      .map((name) => join(folder, name)),
  )
  for (const path of [...makers, ...schema]) hash.update(readFileSync(path))
  return join(work, 'data', hash.digest('hex').slice(0, 8))
}

/** Removes data of another form. */
export function forgetOld() {
  const all = join(work, 'data')
  for (const name of existsSync(all) ? readdirSync(all) : []) {
    if (join(all, name) !== home()) rmSync(join(all, name), { recursive: true, force: true })
  }
}

/** Something that is made once; what was begun and not finished is begun anew. */
export async function made(name, make) {
  const path = join(home(), name)
  if (existsSync(path)) return path
  mkdirSync(home(), { recursive: true })
  const half = `${path}.half`
  rmSync(half, { recursive: true, force: true })
  await make(half)
  renameSync(half, path)
  settle()
  return path
}

/** The same people, rooms and messages for every peer, as lines. */
export function linesOf(load, { rooms, messages }) {
  return made(`world-${rooms}-${messages}.jsonl`, (path) => {
    run('sh', ['-c', `"$0" data --rooms ${rooms} --messages ${messages} > "$1"`, load, path])
  })
}

/** A copy to run on, so that no run finds what another left. */
export function fresh(template, name, { messages }) {
  if (messages > copiedMost) return template
  const folder = join(work, 'run', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(join(work, 'run'), { recursive: true })
  // Not by Node, which forgets whose the files are.
  run('cp', ['-a', template, folder])
  settle()
  return folder
}

/** What is not yet on the disk would be written while something is measured. */
function settle() {
  run('sync', [])
}
