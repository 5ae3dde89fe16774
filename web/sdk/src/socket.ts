/**
 * One WebSocket's life: connecting, noticing that it died, and coming back, for ever. Knows frames only as far as they
 * concern the connection itself; what they mean for rooms is for others.
 */
import { isApiError, mayRetry, type TokenSource } from './api'
import { delayMs, type Env, type Moment, msSince, now, type SocketLike, type WakeReason } from './env'
import { type ClientFrame, closeCodes, limits, type ServerFrame } from './protocol.gen'
import type { ConnectionState, ConnectionStatus } from './types'
import { createValue } from './value'

const retryFirstMs = 250
const retryLongestMs = 30_000
/** After the browser said "offline" it is believed for a while: a socket on its way out may still look open. */
const offlineRetryMs = 5_000
/** From the start of an attempt to `ready`. */
const connectTimeoutMs = 10_000
const tokenTimeoutMs = 30_000
/** How long a connection may stay silent when it is asked whether it lives. */
const probeMs = 5_000
/** A connection that dies sooner than this is not taken for a good one, or a flapping server would be hammered … */
const stableMs = 5_000
/** … nor for more than so many failed attempts, or a person on a bad line would wait long. */
const flappingMax = 3

/** On an inbox connection every frame about a room names it. */
export type OutFrame = ClientFrame & { room_id?: number }

export interface SocketOptions {
  /** The whole address, asked anew at each attempt, since it holds where to resume from. */
  url: (token: string) => string
  /** What the token travels in, if not in the address. */
  protocols?: (token: string) => string[]
  token: TokenSource
  onFrame: (frame: ServerFrame) => void
  /** Not online any more; it may come back. */
  onDown?: () => void
  /** The server refused for good: 4403 or 4404. */
  onGone?: () => void
  /** How long to wait after so many failures; the SDK's own back-off if left out. */
  retryMs?: (failures: number) => number
  env: Env
}

export interface Socket {
  readonly state: { get(): ConnectionState; subscribe(listener: () => void): () => void }
  /** False when it could not be sent. */
  send(frame: OutFrame): boolean
  retryNow(): void
  /** Drops the connection and resumes at once. */
  restart(): void
  close(): void
}

export function createSocket(options: SocketOptions): Socket {
  const { env } = options
  const state = createValue<ConnectionState>({ status: 'connecting', since: Date.now(), attempt: 0, retryAt: null })
  let socket: SocketLike | null = null
  /** Tells answers to an abandoned attempt from those to the current one. */
  let attemptId = 0
  let failures = 0
  let readyAt: Moment | null = null
  let heardAt = now()
  let silenceMs = connectTimeoutMs
  /** What the server asked for, and when. */
  let comeBack: [afterMs: number, saidAt: Moment] | null = null
  let bearer: string | undefined
  let refused: string | undefined
  let silenceTimer: ReturnType<typeof setTimeout> | undefined
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let renewTimer: ReturnType<typeof setTimeout> | undefined

  function show(status: ConnectionStatus, retryAt: number | null = null): void {
    const before = state.get()
    const since = before.status === status ? before.since : Date.now()
    state.set({ status, since, attempt: failures, retryAt })
  }

  const isOver = () => state.get().status === 'closed' || state.get().status === 'signed_out'

  async function connect(): Promise<void> {
    clearTimeout(retryTimer)
    const mine = ++attemptId
    show(failures === 0 && state.get().status === 'connecting' ? 'connecting' : downStatus())
    // A token function may never answer.
    const patience = setTimeout(() => mine === attemptId && failed(), tokenTimeoutMs)
    try {
      bearer = await options.token(refused)
    } catch (error) {
      if (mine !== attemptId) return
      if (isApiError(error) && !mayRetry(error)) return end('signed_out')
      return failed()
    } finally {
      clearTimeout(patience)
    }
    if (mine !== attemptId) return
    if (bearer === refused) return end('signed_out')
    open(env.openSocket(options.url(bearer), options.protocols?.(bearer)))
  }

  function open(next: SocketLike): void {
    socket = next
    readyAt = null
    silenceMs = connectTimeoutMs
    heard()
    next.onmessage = (event) => next === socket && receive(event.data)
    next.onclose = (event) => next === socket && closed(event.code)
    // Says nothing that the close after it does not say.
    next.onerror = () => {}
  }

  function receive(data: unknown): void {
    heard()
    const frame = JSON.parse(String(data)) as ServerFrame
    if (frame.type === 'ready') {
      silenceMs = (frame.heartbeat_ms * limits.client_silence_percent) / 100
      heard()
      readyAt = heardAt
      refused = undefined
      comeBack = null
      state.set({ status: 'online', since: Date.now(), attempt: 0, retryAt: null })
    } else if (frame.type === 'reconnect') {
      comeBack = [frame.after_ms, heardAt]
    } else if (frame.type === 'token_expiring') {
      void renew()
    }
    options.onFrame(frame)
  }

  /** A new token for the open connection; without one in time the server closes with 4401. */
  async function renew(): Promise<void> {
    const target = socket
    const token = await options.token(bearer).catch(() => bearer)
    if (target !== socket || !target) return
    if (token === undefined || token === bearer) {
      renewTimer = setTimeout(renew, probeMs * 2)
      return
    }
    bearer = token
    send({ type: 'auth', token })
  }

  function heard(): void {
    heardAt = now()
    if (silenceTimer === undefined) watch(silenceMs)
    else if (readyAt === null) {
      clearTimeout(silenceTimer)
      watch(silenceMs)
    }
  }

  /** One timer that is set anew when it fires, instead of one for each frame. */
  function watch(waitMs: number): void {
    silenceTimer = setTimeout(() => {
      silenceTimer = undefined
      if (!socket) return
      const leftMs = silenceMs - msSince(heardAt)
      if (leftMs > 0) watch(leftMs)
      else drop()
    }, waitMs)
  }

  /** Asks a connection that may have died in its sleep, and gives it up if it says nothing. */
  function probe(): void {
    const silentMs = msSince(heardAt)
    // An attempt that runs is as new as one begun now, and what was just heard needs no asking.
    if (readyAt === null || silentMs < 1000) return
    if (silentMs >= silenceMs || !send({ type: 'ping' })) return drop(0)
    const [asked, before] = [socket, heardAt]
    setTimeout(() => {
      if (socket === asked && heardAt === before) drop(0)
    }, probeMs)
  }

  function detach(): void {
    clearTimeout(silenceTimer)
    clearTimeout(renewTimer)
    silenceTimer = undefined
    const old = socket
    socket = null
    old?.close()
    if (old && readyAt !== null) options.onDown?.()
  }

  function drop(waitMs?: number): void {
    detach()
    failed(waitMs)
  }

  function closed(code: number): void {
    detach()
    if (code === closeCodes.forbidden || code === closeCodes.not_found) {
      end('closed')
      return options.onGone?.()
    }
    if (code === closeCodes.unauthorized) {
      if (refused !== undefined) return end('signed_out')
      refused = bearer
      return void connect()
    }
    failed()
  }

  function failed(waitMs?: number): void {
    const livedMs = readyAt && msSince(readyAt)
    readyAt = null
    attemptId++
    if (livedMs === null) failures++
    else failures = livedMs < stableMs ? Math.min(failures + 1, flappingMax) : 0
    schedule(waitMs ?? pauseMs())
  }

  function pauseMs(): number {
    if (comeBack) {
      const [afterMs, saidAt] = comeBack
      comeBack = null
      return Math.max(0, afterMs - msSince(saidAt))
    }
    if (options.retryMs) return options.retryMs(failures)
    const ms = delayMs(Math.max(0, failures - 1), retryFirstMs, retryLongestMs, env.random())
    return env.online() ? ms : Math.max(ms, offlineRetryMs)
  }

  function schedule(waitMs: number): void {
    show(downStatus(), Date.now() + waitMs)
    clearTimeout(retryTimer)
    retryTimer = setTimeout(connect, waitMs)
  }

  const downStatus = () => (env.online() ? 'reconnecting' : 'offline')

  function end(status: 'closed' | 'signed_out'): void {
    attemptId++
    clearTimeout(retryTimer)
    detach()
    show(status)
  }

  function retryNow(): void {
    if (state.get().status === 'closed') return
    refused = undefined
    if (socket) return probe()
    clearTimeout(retryTimer)
    attemptId++
    void connect()
  }

  function onWake(reason: WakeReason): void {
    if (isOver()) return
    if (reason === 'offline') return drop(offlineRetryMs)
    if (socket || state.get().retryAt !== null) retryNow()
  }

  function send(frame: OutFrame): boolean {
    if (!socket || readyAt === null || socket.readyState !== 1) return false
    socket.send(JSON.stringify(frame))
    return true
  }

  const stopListening = env.onWake(onWake)
  void connect()

  return {
    state,
    send,
    retryNow,
    restart: () => {
      if (!isOver()) drop(0)
    },
    close() {
      stopListening()
      end('closed')
    },
  }
}
