/** A real Frontdesk on ports of its own, with a data folder that lives as long as the test: one server, or several nodes. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export const root = resolve(import.meta.dirname, '../../..')
const binary = process.env.FRONTDESK_BIN ?? resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/frontdesk')
const patience_ms = 20_000

/** What this shell was told is not what a test means. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_')))

/** Settings that nodes have in common, by the names of their environment variables. */
type Shared = Record<string, string>

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'frontdesk-e2e-'))
  readonly #nodes: Node[]
  readonly #environment: NodeJS.ProcessEnv
  #next = 0

  /** Without anything shared it is one server on SQLite. */
  constructor(settings: string[] = [], nodes = 1, shared: Shared = {}) {
    if (!existsSync(binary)) throw new Error(`${binary} is not there: run \`cargo build -p frontdesk\` first`)
    const attachments = nodes > 1 ? { FRONTDESK_ATTACHMENTS: join(this.folder, 'attachments') } : {}
    const environments = Array.from({ length: nodes }, (_, number) => ({
      ...environment,
      ...attachments,
      ...shared,
      FRONTDESK_DATA: join(this.folder, `data-${number}`),
    }))
    this.#nodes = environments.map((environment) => new Node(settings, this.folder, environment))
    this.#environment = environments[0] ?? {}
  }

  /** Where the first node is; known once it has listened, and the same after a restart. */
  get address(): string {
    return this.#nodes[0]?.address ?? ''
  }

  /** Where the next visitor finds a node: they take turns. */
  nextAddress(): string {
    return this.#nodes[this.#next++ % this.#nodes.length]?.address ?? ''
  }

  /** A command beside the server: its standard output. */
  command(args: string[], input = ''): string {
    return execFileSync(binary, args, {
      cwd: this.folder,
      env: this.#environment,
      input,
      encoding: 'utf8',
      stdio: 'pipe',
    })
  }

  /** Brings people and conversations, one JSON object a line. */
  import(lines: object[]): void {
    const file = join(this.folder, 'import.jsonl')
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'))
    this.command(['import', file])
  }

  async start(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.start()))
  }

  /** Without a word of farewell, as a power cut would. */
  async kill(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.end('SIGKILL')))
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.end('SIGTERM')))
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A test that runs out of time stops nothing. */
const living = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL')
})

/** A process. */
class Node {
  address = ''
  #child: ChildProcess | null = null
  #log = ''

  constructor(
    readonly settings: string[],
    readonly folder: string,
    readonly env: NodeJS.ProcessEnv,
  ) {}

  async start(): Promise<void> {
    const listen = this.address ? new URL(this.address).host : '127.0.0.1:0'
    const child = spawn(binary, ['serve', '--listen', listen, ...this.settings], {
      cwd: this.folder,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    living.add(child)
    child.once('exit', () => living.delete(child))
    child.stderr.on('data', (text) => {
      this.#log += text
    })
    this.address = await new Promise<string>((done, fail) => {
      const late = setTimeout(() => fail(new Error(`the server did not listen in time\n${this.#log}`)), patience_ms)
      let said = ''
      child.stdout.on('data', (text) => {
        said += text
        const found = /listening on (http:\S+)/.exec(said)?.[1]
        if (!found) return
        clearTimeout(late)
        done(found)
      })
      child.once('exit', (code) => fail(new Error(`the server ended with ${code}\n${this.#log}`)))
    })
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (!child || child.exitCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await ended
  }
}
