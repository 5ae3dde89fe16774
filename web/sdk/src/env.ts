/** What the SDK takes from the world around it, so that tests can stand in for a browser. */

export interface SocketLike {
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WakeReason = 'online' | 'offline' | 'awake'

export interface Env {
  openSocket(url: string, protocols?: string[]): SocketLike
  /** What the browser says; true where nobody says anything. */
  online(): boolean
  /** Tells when the network comes and goes, and when the person comes back to the page. */
  onWake(listener: (reason: WakeReason) => void): () => void
  /** 0 to 1, for jitter. */
  random(): number
}

export const browserEnv: Env = {
  openSocket: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
  online: () => globalThis.navigator?.onLine !== false,
  random: Math.random,
  onWake(listener) {
    if (typeof window === 'undefined') return () => {}
    const stop = new AbortController()
    const on = (target: EventTarget, type: string, run: () => void) =>
      target.addEventListener(type, run, { signal: stop.signal })
    on(window, 'online', () => listener('online'))
    on(window, 'offline', () => listener('offline'))
    on(window, 'focus', () => listener('awake'))
    on(window, 'pageshow', () => listener('awake'))
    // A frozen page goes on.
    on(document, 'resume', () => listener('awake'))
    on(document, 'visibilitychange', () => document.visibilityState === 'visible' && listener('awake'))
    return () => stop.abort()
  },
}

/** `https://chat.example.com` without the last slash; the page's own address if none is given. */
export function baseUrl(url?: string): string {
  return (url ?? globalThis.location?.origin ?? '').replace(/\/+$/, '')
}

export function delayMs(attempt: number, baseMs: number, longestMs: number, random: number): number {
  return Math.min(longestMs, baseMs * 2 ** attempt) * (0.5 + random / 2)
}

/** A moment on two clocks: one may be set back, the other may stand still while the computer sleeps. */
export type Moment = readonly [wallMs: number, steadyMs: number]

export const now = (): Moment => [Date.now(), performance.now()]

export const msSince = ([wallMs, steadyMs]: Moment): number =>
  Math.max(Date.now() - wallMs, performance.now() - steadyMs)
