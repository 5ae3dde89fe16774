/** A PostgreSQL and a Redis of a worker's own, started when the first test needs them; a database for each test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { root } from './server'

export class Engines {
  #child: ChildProcess | null = null
  #lines: AsyncIterator<string> | null = null
  #redis = ''

  /** What nodes are told of a new database, of Redis and of their secret. */
  async settings(): Promise<Record<string, string>> {
    if (!this.#child) await this.#start()
    this.#child?.stdin?.write('\n')
    return {
      FRONTDESK_DATABASE_URL: await this.#line(),
      FRONTDESK_REDIS_URL: this.#redis,
      FRONTDESK_JWT_SECRET: 'known to the nodes of a test, and to nobody else',
    }
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (!child || child.exitCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.stdin?.end()
    await ended
  }

  async #start(): Promise<void> {
    const child = spawn(process.execPath, ['scripts/engines.mjs'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] })
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    this.#redis = await this.#line()
  }

  async #line(): Promise<string> {
    const next = await this.#lines?.next()
    if (!next || next.done)
      throw new Error('PostgreSQL or Redis did not start: apt-get install postgresql redis-server')
    return next.value
  }
}
