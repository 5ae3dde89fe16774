/** The parts of a browser that Node lacks, shared by the "tabs" of a test. */
import { vi } from 'vitest'

type Run = () => unknown

/** Web Locks: one holder for each name, the others in line. */
export function createLocks() {
  const tails = new Map<string, Promise<unknown>>()
  return {
    request(name: string, given: { signal?: AbortSignal } | Run, maybeRun?: Run): Promise<unknown> {
      const run = (maybeRun ?? given) as Run
      const signal = maybeRun ? (given as { signal?: AbortSignal }).signal : undefined
      const before = tails.get(name) ?? Promise.resolve()
      const mine = before.then(() => (signal?.aborted ? Promise.reject(new Error('aborted')) : run()))
      tails.set(
        name,
        mine.catch(() => {}),
      )
      return mine
    },
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
export type Routes = Record<string, (body: unknown, headers: Record<string, string>) => [number, unknown?]>

export function stubFetch(routes: Routes): string[] {
  const calls: string[] = []
  vi.stubGlobal('fetch', async (url: string, init: RequestInit = {}) => {
    const name = `${init.method ?? 'GET'} ${new URL(url).pathname}`
    calls.push(name)
    const route = routes[name]
    if (!route) throw new TypeError('Failed to fetch')
    const body = init.body ? JSON.parse(String(init.body)) : undefined
    const [status, answer] = route(body, init.headers as Record<string, string>)
    return new Response(answer === undefined ? null : JSON.stringify(answer), { status })
  })
  return calls
}
