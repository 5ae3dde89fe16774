/**
 * One room of the origin's service: hands over each message once and in order, whatever happens to the connection, and
 * keeps what was written meanwhile. Has no state to show; that is what `room.ts` is for.
 */
import { createAcks } from './acks'
import { createApi, type TokenSource } from './api'
import { baseUrl, delayMs, type Env } from './env'
import { createOutbox } from './outbox'
import type { Message, MessagePage, RoomReady, ServerFrame } from './protocol.gen'
import { createSocket, type Socket } from './socket'
import { noStorage } from './storage'

/** Failed attempts after which the origin gave up; this one says so and slows down. */
const attemptsMax = 5
const slowRetryMs = 30_000
const deliveredAfterMs = 50
const catchUpAgainMs = 5_000
const catchUpPage = 200

export type OriginFrame = Extract<
  ServerFrame,
  { type: 'chat_message' | 'typing' | 'read_receipt' | 'user_status' | 'error' }
>

export interface LineOptions {
  room_id: number
  url: () => string | undefined
  token: TokenSource
  env: Env
  onFrame: (frame: OriginFrame) => void
  onEvent: (event: string, ...data: unknown[]) => void
}

/** Of the last event that was handed over. */
interface Place {
  seq: number
  epoch: string
  created_at: string
}

export interface Line {
  open(): void
  say(text: string): void
  typing(is_typing: boolean): void
  read(message_id: number): void
  connected(): boolean
  close(): void
}

export function createLine(options: LineOptions): Line {
  const { room_id, env, onFrame, onEvent } = options
  const acks = createAcks(room_id, (frame) => socket?.send(frame) ?? false)
  const outbox = createOutbox({
    account: '',
    storage: Promise.resolve(noStorage),
    random: env.random,
    ready: () => connected() && !held,
    deliver: acks.deliver,
    onStored: () => {},
    // Nobody is here to retry or discard: the callback has heard the error.
    onChange: () => {
      const failed = outbox.waiting(room_id).find((entry) => entry.state === 'failed')
      if (failed) outbox.discard(failed.client_id)
    },
  })
  let socket: Socket | null = null
  /** Null before the first connection. */
  let last: Place | null = null
  let myId: number | null = null
  /** Live frames that wait for those before them to be fetched. */
  let held: ServerFrame[] | null = null
  let unsentReceipt: number | null = null
  let delivered: number | null = null
  let attempts = 0
  let wasOnline = false
  let wasEverOnline = false

  const connected = () => socket?.state.get().status === 'online'

  function open(): void {
    // A new token may have come; everything else is tried again anyway.
    if (socket?.state.get().status === 'signed_out') return socket.retryNow()
    if (socket) return
    const base = baseUrl(options.url()).replace(/^http/, 'ws')
    socket = createSocket({
      token: options.token,
      env,
      url(token) {
        const query = new URLSearchParams({ token, v: '1' })
        if (last) {
          query.set('after', String(last.seq))
          query.set('epoch', last.epoch)
        }
        return `${base}/ws/chat/${room_id}/?${query}`
      },
      onFrame: receive,
      onDown: acks.down,
      onGone: close,
      retryMs: (failures) => {
        if (failures === attemptsMax) onEvent('reconnect_failed')
        return failures < attemptsMax ? delayMs(failures, 250, slowRetryMs, env.random()) : slowRetryMs
      },
    })
    socket.state.subscribe(announce)
  }

  /** The connection's states as the events of old. */
  function announce(): void {
    if (!socket) return
    const { status, attempt, retryAt } = socket.state.get()
    if (status !== 'online') attempts = attempt
    if (status === 'online') {
      if (wasOnline) return
      wasOnline = true
      onEvent('connect')
      if (wasEverOnline) onEvent('reconnect', attempts)
      wasEverOnline = true
    } else if (wasOnline) {
      wasOnline = false
      onEvent('disconnect', 'transport close')
    } else if (retryAt !== null) onEvent('connect_error', new Error('The server could not be reached'))
    else if (status === 'reconnecting') onEvent('reconnect_attempt', attempt)
  }

  function receive(frame: ServerFrame): void {
    if (frame.type === 'ready') return ready(frame)
    if (held) held.push(frame)
    else take(frame)
  }

  function ready(frame: Extract<ServerFrame, { type: 'ready' }>): void {
    if (!('room' in frame)) return
    myId = frame.user.id
    held = null
    const before = last
    if (!last || frame.resume !== 'complete') last = { seq: frame.room.last_seq, epoch: frame.epoch, created_at: '' }
    if (before && frame.resume === 'reset') void catchUp(before, frame)
    else goOn()
  }

  function goOn(): void {
    const waiting = held ?? []
    held = null
    for (const frame of waiting) take(frame)
    if (unsentReceipt !== null) read(unsentReceipt)
    outbox.kick()
  }

  /** Too much was missed for the connection, or history was rewritten: the rest comes over HTTP. */
  async function catchUp(from: Place, { epoch, room }: RoomReady): Promise<void> {
    const mine: ServerFrame[] = []
    held = mine
    const api = createApi(options.url(), options.token)
    const path = `/api/chat/rooms/${room_id}/messages/?limit=${catchUpPage}`
    const sameHistory = from.epoch === epoch
    let after: number | null = sameHistory ? from.seq : null
    last = { ...from, epoch }
    if (!sameHistory) last.seq = 0
    try {
      do {
        const page: MessagePage = await api.call('GET', after === null ? path : `${path}&after=${after}`)
        if (held !== mine) return
        // Seqs of another history say nothing: what is younger than the last one handed over is new.
        for (const message of page.results) if (sameHistory || message.created_at > from.created_at) hand(message)
        after = sameHistory ? page.next : null
      } while (after !== null)
      if (!sameHistory) last.seq = Math.max(last.seq, room.last_seq)
      if (held === mine) goOn()
    } catch {
      if (held !== mine) return
      last = from
      setTimeout(() => held === mine && socket?.restart(), catchUpAgainMs)
    }
  }

  function take(frame: ServerFrame): void {
    switch (frame.type) {
      case 'chat_message':
      case 'room_updated':
        return durable(frame)
      case 'typing':
      case 'read_receipt':
      case 'user_status':
        return onFrame(frame)
      case 'heartbeat':
        if (last && (frame.last_seq ?? 0) > last.seq) socket?.restart()
        return
      case 'ack':
        return acks.answer(frame)
      case 'error':
        acks.answer(frame)
        // What is sent again by itself was no error to the origin.
        if (frame.client_id === undefined || !frame.retryable) onFrame(frame)
    }
  }

  function durable(frame: Extract<ServerFrame, { type: 'chat_message' | 'room_updated' }>): void {
    if (!last || frame.seq <= last.seq) return
    // Something is missing: the next handshake brings it.
    if (frame.seq > last.seq + 1) return socket?.restart()
    if (frame.type === 'chat_message') return hand(frame)
    last = { ...last, seq: frame.seq, created_at: frame.created_at }
  }

  function hand(message: Message): void {
    if (!last || message.seq <= last.seq) return
    last = { ...last, seq: message.seq, created_at: message.created_at }
    const { client_id, id, seq, created_at } = message
    if (message.sender.id === myId && client_id !== undefined) {
      const stored = { client_id, room_id, id, seq, created_at, message }
      acks.settle(client_id, { type: 'stored', stored })
    } else reportDelivered(id)
    onFrame({ ...message, type: 'chat_message' })
  }

  /** Once for many that come at a time. */
  function reportDelivered(message_id: number): void {
    const isDue = delivered === null
    delivered = message_id
    if (isDue) {
      setTimeout(() => {
        if (delivered !== null) socket?.send({ type: 'delivered', message_id: delivered })
        delivered = null
      }, deliveredAfterMs)
    }
  }

  function read(message_id: number): void {
    unsentReceipt = socket?.send({ type: 'read_receipt', message_id }) ? null : Math.max(unsentReceipt ?? 0, message_id)
  }

  function close(): void {
    const old = socket
    socket = null
    held = null
    // The page that comes back loads its history itself, as it always did: only what is new then is handed over.
    last = null
    acks.down()
    old?.close()
    if (wasOnline) {
      wasOnline = false
      onEvent('disconnect', 'io client disconnect')
    }
  }

  return {
    open,
    say: (text) => void outbox.add({ room_id, text }),
    typing: (is_typing) => void socket?.send({ type: 'typing', is_typing }),
    read,
    connected,
    close,
  }
}
