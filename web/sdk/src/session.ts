/** Who is signed in on one page, in all its tabs: the stored token pair, its renewal, and the news of signing in and out. */
import { apiError, createApi, isApiError, mayRetry } from './api'
import type { LoginAnswer, Options, TokenPair, User } from './protocol.gen'
import type { Session, SessionOptions, SessionState } from './types'
import { createValue } from './value'

/** A token with less than this left is renewed before it is used. */
const marginMs = 60_000
/** Longer than a renewal takes. */
const lockPatienceMs = 5_000
/** How long signing out waits for a server that does not answer. */
const logoutPatienceMs = 3_000

interface Stored {
  access: string
  refresh: string
  user: User
  /** By this device's clock, which need not agree with the server's. */
  expires_at: number
}

type News = 'signed_in' | 'left' | 'expired'

export function createSession(options: SessionOptions): Session {
  const prefix = `frontdesk.${options.name}`
  const key = `${prefix}.session`
  const open = createApi(options.url)
  const state = createValue<SessionState>(stateOf(read(), 'none', null))
  const channel = new BroadcastChannel(prefix)
  let renewal: Promise<string> | null = null

  function read(): Stored | null {
    try {
      return JSON.parse(localStorage.getItem(key) ?? 'null')
    } catch {
      return null
    }
  }

  function write(next: Stored | null, news: News | null): void {
    if (next) localStorage.setItem(key, JSON.stringify(next))
    else localStorage.removeItem(key)
    if (!news) return
    show(next, news)
    channel.postMessage(news)
  }

  function show(stored: Stored | null, news: News): void {
    const before = state.get()
    if (stored && before.status === 'signed_in' && before.user.id === stored.user.id) return
    if (!stored && before.status === 'signed_out' && news !== 'left') return
    state.set(stateOf(stored, news === 'signed_in' ? 'none' : news, before.user))
  }

  /** The session is no more; who ended it is not known here, unless it was heard before. */
  function isGone(): void {
    if (state.get().status !== 'signed_out') show(null, 'left')
  }

  // The news may be here before what it tells of: another tab's storage is seen a moment later.
  channel.onmessage = ({ data }: MessageEvent<News>) => show(data === 'signed_in' ? read() : null, data)
  const onStorage = ({ key: changed }: StorageEvent) => {
    if (changed !== key && changed !== null) return
    const stored = read()
    if (stored) show(stored, 'signed_in')
    else isGone()
  }
  globalThis.addEventListener?.('storage', onStorage)

  /** Under a Web Lock, so that two tabs use up one refresh token, not two; but not for ever: a frozen tab keeps its lock. */
  async function exclusively(run: () => Promise<string>): Promise<string> {
    const hold = async () => {
      const token = run()
      await token.catch(() => {})
      return { token }
    }
    const signal = AbortSignal.timeout(lockPatienceMs)
    const held = globalThis.navigator?.locks?.request(`${prefix}.refresh`, { signal }, hold)
    return ((await held?.catch(() => null)) ?? { token: run() }).token
  }

  async function renew(refused: string | undefined): Promise<string> {
    const before = read()
    if (!before) throw signedOut()
    // Another tab may have renewed while this one waited for the lock.
    if (isFresh(before, refused)) return before.access
    try {
      const pair = await open.call<TokenPair>('POST', '/api/auth/refresh/', { refresh: before.refresh })
      // The person may have signed out, or in as somebody else, while the answer was on its way.
      if (read()?.refresh !== before.refresh) return renew(refused)
      write({ ...pair, user: before.user, expires_at: expiry(pair.access) }, null)
      return pair.access
    } catch (error) {
      if (mayRetry(error)) {
        if (before.access !== refused && before.expires_at > Date.now()) return before.access
        throw error
      }
      if (read()?.refresh === before.refresh) write(null, 'expired')
      else if (read()) show(read(), 'left')
      else isGone()
      throw signedOut()
    }
  }

  async function token(refused?: string): Promise<string> {
    const stored = read()
    if (!stored) {
      isGone()
      throw signedOut()
    }
    if (isFresh(stored, refused)) return stored.access
    renewal ??= exclusively(() => renew(refused)).finally(() => {
      renewal = null
    })
    return renewal
  }

  return {
    get: state.get,
    subscribe: state.subscribe,
    token,
    options: () => open.call<Options>('GET', '/api/options/'),
    async login(phone, password) {
      const answer = await open.call<LoginAnswer>('POST', '/api/auth/login/', { phone, password })
      write({ ...answer, expires_at: expiry(answer.access) }, 'signed_in')
      return answer.user
    },
    async logout({ all = false } = {}) {
      const tell = (access: () => Promise<string>) =>
        createApi(options.url, access).call('POST', '/api/auth/logout/', { all })
      // "All devices" is a promise that only the server can keep; leaving this one works without it.
      if (all && read()) await tell(token).catch((error) => ignoreSignedOut(error))
      const access = !all && read() ? await atMost(logoutPatienceMs, token()) : null
      // Before the server closes the sockets, which would look like an end from outside.
      write(null, 'left')
      if (access)
        await atMost(
          logoutPatienceMs,
          tell(async () => access),
        )
    },
    close() {
      channel.close()
      globalThis.removeEventListener?.('storage', onStorage)
    },
  }
}

/** Null when it fails or takes longer. */
const atMost = <T>(ms: number, work: Promise<T>): Promise<T | null> =>
  Promise.race([work.catch(() => null), new Promise<null>((done) => setTimeout(() => done(null), ms))])

const signedOut = () => apiError(401, 'unauthorized', 'Signed out')

function ignoreSignedOut(error: unknown): void {
  if (!isApiError(error) || error.status !== 401) throw error
}

function stateOf(stored: Stored | null, reason: 'none' | 'left' | 'expired', before: User | null): SessionState {
  return stored
    ? { status: 'signed_in', user: stored.user, reason: null }
    : { status: 'signed_out', user: before, reason }
}

const isFresh = (stored: Stored, refused: string | undefined) =>
  stored.access !== refused && stored.expires_at - marginMs > Date.now()

/** The token's own lifetime added to this device's clock. */
function expiry(access: string): number {
  const { exp, iat } = claims(access)
  return Date.now() + ((Number(exp) - Number(iat)) * 1000 || 15 * 60_000)
}

/** What a token says, unverified: good for reading one's own, never for trusting. */
function claims(token: string): { exp?: unknown; iat?: unknown } {
  try {
    return JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/')))
  } catch {
    return {}
  }
}
