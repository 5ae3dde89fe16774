// The machine under the benchmarks: what it is, how busy others keep it, and processes that are started, pinned and ended.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Server and generator get a core each, where there are two. */
export const cores = availableParallelism() >= 2 ? { server: 0, generator: 1 } : { server: 0, generator: 0 }

/** The first line of what a program says, or nothing if there is no such program. */
export function says(command, ...args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
      .trim()
      .split('\n')[0]
  } catch {
    return undefined
  }
}

export function machine() {
  return {
    processor: `${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores${areThreads() ? ' that are threads of one' : ''}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    system: readFileSync('/etc/os-release', 'utf8').match(/PRETTY_NAME="(.*)"/)?.[1] ?? 'unknown',
    disk: says('df', '--output=fstype,source', 'target')
      ? execFileSync('df', ['--output=fstype,source', 'target'], { encoding: 'utf8' }).trim().split('\n')[1]
      : 'unknown',
  }
}

/** Whether the two cores of a run share what one core has. */
function areThreads() {
  const path = `/sys/devices/system/cpu/cpu${cores.server}/topology/thread_siblings_list`
  const siblings = existsSync(path) ? readFileSync(path, 'utf8').trim().split(/[,-]/) : []
  return cores.server !== cores.generator && siblings.includes(String(cores.generator))
}

/** The share of the machine that is taken at this moment; asked for before a run, it is others who take it. */
export async function busy(milliseconds = 500) {
  const before = ticks()
  await sleep(milliseconds)
  const after = ticks()
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all)
}

function ticks() {
  const [line] = readFileSync('/proc/stat', 'utf8').split('\n')
  // Waiting for the disk is idle for the processor; the guests' time is counted in user already.
  const [user, nice, system, idle, iowait, irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number)
  return { idle: idle + iowait, all: user + nice + system + idle + iowait + irq + softirq + steal }
}

export function loadAverage() {
  return Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0])
}

const logs = resolve('target/bench/logs')

/** A file for what a server says. */
export function log(name) {
  mkdirSync(logs, { recursive: true })
  return openSync(join(logs, `${name}.log`), 'w')
}

/** Keeps what the servers said in a run that failed, since the next run writes over it. */
export function keepLogs() {
  if (existsSync(logs)) cpSync(logs, `${logs}-failed`, { recursive: true })
}

export async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Runs a program to its end; what it says is the answer. */
export function run(command, args, { core, timeout = 240_000, ...options } = {}) {
  const [program, ...words] = pinned(core, command, args)
  return execFileSync(program, words, {
    encoding: 'utf8',
    timeout,
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
}

// Whoever interrupts the benchmarks does not want to look for servers afterwards.
const living = new Set()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130))

/** A program that runs until it is told to end. */
export class Process {
  constructor(command, args, { core, log, ...options }) {
    const [program, ...words] = pinned(core, command, args)
    this.child = spawn(program, words, { stdio: ['ignore', log, log], ...options })
    living.add(this.child)
    // A program that is not there is noticed when nobody listens.
    this.child.on('error', () => living.delete(this.child))
    this.ended = new Promise((resolve) => this.child.once('exit', resolve)).then(() => living.delete(this.child))
    this.pid = this.child.pid
  }

  /** Waits until somebody listens on the port. */
  async listens(port, seconds = 30) {
    for (let tries = 0; tries < seconds * 20; tries += 1) {
      if (!living.has(this.child)) throw new Error(`it ended with ${this.child.exitCode} before it listened`)
      if (await knocks(port)) return
      await sleep(50)
    }
    throw new Error(`nobody listens on port ${port} after ${seconds} s`)
  }

  async end(signal = 'SIGTERM') {
    this.child.kill(signal)
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000)
    await this.ended
    clearTimeout(late)
  }
}

function pinned(core, command, args) {
  return core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args]
}

function knocks(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(socket.destroy()))
    socket.once('error', () => resolve(false))
  }).then((socket) => socket !== false)
}
