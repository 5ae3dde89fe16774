/** A real Frontdesk on a port of its own, with a data folder that lives as long as the test. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../../..')
const binary = process.env.FRONTDESK_BIN ?? resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/frontdesk')
const patience_ms = 20_000

/** What this shell was told is not what a test means. */
const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FRONTDESK_')))

export class Server {
  readonly folder = mkdtempSync(join(tmpdir(), 'frontdesk-e2e-'))
  /** Known once it has listened; it stays the same over a restart. */
  address = ''
  #child: ChildProcess | null = null
  #log = ''

  constructor(readonly settings: string[] = []) {
    if (!existsSync(binary)) throw new Error(`${binary} is not there: run \`cargo build -p frontdesk\` first`)
  }

  get #data() {
    return join(this.folder, 'data')
  }

  /** A command beside the server: its standard output. */
  command(args: string[], input = ''): string {
    return execFileSync(binary, [...args, '--data', this.#data], {
      cwd: this.folder,
      env: environment,
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
    const listen = this.address ? new URL(this.address).host : '127.0.0.1:0'
    const child = spawn(binary, ['serve', '--listen', listen, '--data', this.#data, ...this.settings], {
      cwd: this.folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
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

  /** Without a word of farewell, as a power cut would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#child = null
    if (!child || child.exitCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await ended
  }
}
