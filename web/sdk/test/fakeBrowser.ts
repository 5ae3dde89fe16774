/** The parts of a browser that Node lacks, shared by the "tabs" of a test. */
import { vi } from 'vitest'

type Run = () => unknown
interface Request {
  run: Run
  signal?: AbortSignal
  done: (value: unknown) => void
  fail: (why: Error) => void
}

const aborted = () => Object.assign(new Error('aborted'), { name: 'AbortError' })

/** Web Locks: one holder for each name, the others in line; who steals is the holder at once. */
export function createLocks() {
  const holders = new Map<string, Request>()
  const lines = new Map<string, Request[]>()

  function next(name: string): void {
    if (holders.has(name)) return
    const request = lines.get(name)?.shift()
    if (!request) return
    if (request.signal?.aborted) return next(name)
    hold(name, request)
  }

  function hold(name: string, request: Request): void {
    holders.set(name, request)
    const release = () => {
      if (holders.get(name) !== request) return
      holders.delete(name)
      next(name)
    }
    Promise.resolve().then(request.run).then(request.done, request.fail).finally(release)
  }

  return {
    request(name: string, given: { signal?: AbortSignal; steal?: boolean } | Run, maybeRun?: Run): Promise<unknown> {
      const { signal, steal = false } = typeof given === 'function' ? {} : given
      return new Promise((done, fail) => {
        const request: Request = { run: maybeRun ?? (given as Run), done, fail }
        if (signal) {
          request.signal = signal
          signal.addEventListener('abort', () => holders.get(name) !== request && fail(aborted()))
        }
        if (steal) {
          holders.get(name)?.fail(aborted())
          return hold(name, request)
        }
        const line = lines.get(name) ?? []
        lines.set(name, [...line, request])
        next(name)
      })
    },
  }
}

/** A BroadcastChannel between the "tabs" of one process; that of a frozen tab hears everything later. */
export class FakeChannel {
  static all: FakeChannel[] = []
  onmessage: ((event: { data: unknown }) => void) | null = null
  frozen = false
  private missed: unknown[] = []

  constructor(readonly name: string) {
    FakeChannel.all.push(this)
  }

  postMessage(data: unknown): void {
    for (const other of FakeChannel.all) {
      if (other !== this && other.name === this.name) setTimeout(() => other.hear(structuredClone(data)), 0)
    }
  }

  thaw(): void {
    this.frozen = false
    for (const data of this.missed.splice(0)) this.hear(data)
  }

  close(): void {
    FakeChannel.all = FakeChannel.all.filter((other) => other !== this)
  }

  private hear(data: unknown): void {
    if (this.frozen) this.missed.push(data)
    else if (FakeChannel.all.includes(this)) this.onmessage?.({ data })
  }
}

export function stubStorage(): Map<string, string> {
  const items = new Map<string, string>()
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
    removeItem: (key: string) => void items.delete(key),
  })
  return items
}

export function stubLocks(): void {
  vi.stubGlobal('navigator', { locks: createLocks(), onLine: true })
}

export function jwt(claims: object): string {
  return `e30.${btoa(JSON.stringify(claims))}.x`
}

/** Answers of a server, by method and path. */
type Answer = [number, unknown?]
export type Routes = Record<string, (body: unknown, headers: Record<string, string>) => Answer | Promise<Answer>>

export function stubFetch(routes: Routes): string[] {
  const calls: string[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const name = `${init.method ?? 'GET'} ${new URL(url).pathname}`
    calls.push(name)
    const route = routes[name]
    if (!route) throw new TypeError('Failed to fetch')
    const body = init.body ? JSON.parse(String(init.body)) : undefined
    const [status, answer] = await route(body, init.headers as Record<string, string>)
    return new Response(answer === undefined ? null : JSON.stringify(answer), { status })
  })
  return calls
}
