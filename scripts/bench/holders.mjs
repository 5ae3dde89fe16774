// Generators that hold connections together: as many processes as their descriptors make necessary.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { log, Process, says } from './host.mjs'

/** Of a process' descriptors, some are kept for what is no connection. */
const keptShare = 0.08

/** How many connections one process may hold on this machine. */
export function placesPerProcess() {
  const most = says('sh', '-c', 'ulimit -Hn')
  const descriptors = most === 'unlimited' ? 1_000_000 : Number(most)
  return Math.floor(descriptors * (1 - keptShare))
}

export class Holders {
  /** `ports` are the nodes'; the connections of each process take turns among them. */
  constructor(load, ports, connections) {
    this.ports = ports
    const count = Math.ceil(connections / placesPerProcess())
    const from = (place) => 1 + Math.floor((place * connections) / count)
    this.all = Array.from({ length: count }, (_, place) =>
      holder(load, ports, { place, first: from(place), count: from(place + 1) - from(place) }),
    )
  }

  get pids() {
    return this.all.map(({ process }) => process.pid)
  }

  /** Waits until each has its tokens, since signing them is no part of connecting. */
  async prepared() {
    await Promise.all(this.all.map((one) => one.line()))
  }

  /** Connects all at the same time; the answer is how each came in. */
  async connect() {
    return Promise.all(this.all.map((one) => one.ask()))
  }

  /** What became of the connections so far. */
  async heard() {
    const parts = await Promise.all(this.all.map((one) => one.ask()))
    const codes = {}
    for (const [code, count] of parts.flatMap((part) => Object.entries(part.codes)))
      codes[code] = (codes[code] ?? 0) + count
    return {
      disconnected: parts.reduce((sum, part) => sum + part.disconnected, 0),
      codes,
      samples: parts.flatMap((part) => part.samples),
    }
  }

  /** The place among `ports` of the node at which a room's user is. */
  nodeOf(room) {
    const { first } = this.all.findLast(({ first }) => first <= room)
    return (room - first) % this.ports.length
  }

  async end() {
    for (const { process } of this.all) process.child.stdin.end()
    await Promise.all(this.all.map(({ process }) => process.end()))
  }
}

function holder(load, ports, { place, first, count }) {
  const name = `holder-${place}`
  const at = ports.map((port) => `127.0.0.1:${port}`).join(',')
  const args = ['hold', '--at', at, '--first-room', String(first), '--connections', String(count)]
  const process = new Process(load, args, { stdio: ['pipe', 'pipe', log(name)] })
  // One that has ended is noticed by the line that does not come.
  process.child.stdin.on('error', () => {})
  const lines = createInterface({ input: process.child.stdout })
  const waiting = []
  const come = []
  lines.on('line', (line) => (waiting.length > 0 ? waiting.shift()(line) : come.push(line)))
  const line = async () => {
    const next =
      come.length > 0 ? come.shift() : await Promise.race([new Promise((tell) => waiting.push(tell)), process.ended])
    if (typeof next !== 'string') throw new Error(lastWords(name))
    return JSON.parse(next)
  }
  const ask = async () => {
    process.child.stdin.write('\n')
    return line()
  }
  return { process, first, line, ask }
}

function lastWords(name) {
  const said = readFileSync(join(resolve('target/bench/logs'), `${name}.log`), 'utf8')
    .trim()
    .split('\n')
    .at(-1)
  return said || `${name} ended without a word`
}
