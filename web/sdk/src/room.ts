/** One followed room: its state, what it loads, and what it says over the connection that it is given. */
import { createAcks } from './acks'
import { type Api, isApiError, mayRetry } from './api'
import { firstUnreadSeq, forCache, withFirstPage, withPage, withStored, withWaiting } from './edits'
import type { Delivery, Entry, Outcome, Stored } from './entries'
import { delayMs } from './env'
import type { Outbox } from './outbox'
import { limits, type MessagePage, type ServerFrame, type User } from './protocol.gen'
import type { OutFrame } from './socket'
import { apply, emptyRoom, isGap, isUnread, sideReadSeq } from './state'
import type { Storage } from './storage'
import type { RoomState } from './types'
import { createTypingSender } from './typing'
import { createValue, type Value } from './value'

/** The server answers `resume` once per room and 5 s. */
const resumePatienceMs = 6_000
const deliveredAfterMs = 50
const cacheAfterMs = 500
const olderAgainMs = 2_000

/** The way to the server, whichever connection it is. */
export interface Link {
  send(frame: OutFrame): boolean
  restart(): void
}

export interface RoomContext {
  api: Api
  outbox: Outbox
  storage: Promise<Storage>
  me: () => Promise<User>
  link: Link
  random: () => number
}

export interface FollowedRoom {
  readonly state: Value<RoomState>
  /** Shows something, from the cache or the server, if that can be had. */
  load(): Promise<void>
  /** Where to go on from; null when nothing is here yet. */
  resumePoint(): { after: number; epoch?: string } | null
  receive(frame: ServerFrame): void
  down(): void
  gone(): void
  /** Whether a message could be sent now, or refused. */
  ready(): boolean
  deliver(entry: Entry, delivery: Delivery): Promise<Outcome>
  stored(stored: Stored): void
  waitingChanged(): void
  setMe(me: User): void
  typing(is_typing: boolean): void
  stopTyping(): void
  read(message_id: number): void
  loadOlder(): Promise<void>
  /** The person is here again, after leaving and before the room was let go. */
  markCame(): void
  markLeft(): void
  /** Writes down what is here, for the next time. */
  keep(): void
  dispose(): void
}

export function createRoom(room_id: number, context: RoomContext): FollowedRoom {
  const { api, outbox, link } = context
  const state = createValue(emptyRoom(room_id))
  const path = `/api/chat/rooms/${room_id}/messages/`
  const acks = createAcks(room_id, link.send)
  const typingTimers = new Map<number, ReturnType<typeof setTimeout>>()
  const timers = new Set<ReturnType<typeof setTimeout>>()
  const sender = createTypingSender((is_typing) => void link.send({ type: 'typing', is_typing }))
  let isOpen = false
  /** The person has come, and the server has not yet said what was unread then. */
  let arriving = true
  let hasPage = false
  let disposed = false
  let loads = 0
  let resuming = false
  let readTarget: { message_id: number; seq: number } | null = null
  let deliveredSeq = 0
  let deliveredTimer = false
  let cacheTimer = false
  /** Messages up to here were unread when the person came; infinity while the person is away. */
  let unreadUntilSeq = 0

  function later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      timers.delete(timer)
      run()
    }, ms)
    timers.add(timer)
  }

  function set(next: RoomState): void {
    if (disposed || next === state.get()) return
    state.set(next)
    if (cacheTimer || next.phase !== 'ready' || !next.epoch) return
    cacheTimer = true
    later(cacheAfterMs, saveCache)
  }

  const change = (to: Partial<RoomState>) => set({ ...state.get(), ...to })

  /** Of the last event that is here. */
  function place(): { after: number; epoch?: string } {
    const { last_seq, epoch } = state.get()
    return { after: last_seq, ...(epoch ? { epoch } : {}) }
  }

  function saveCache(): void {
    cacheTimer = false
    const now = state.get()
    if (now.phase === 'ready' && now.epoch) void context.storage.then((it) => it.putRoom(forCache(now))).catch(() => {})
  }

  async function load(): Promise<void> {
    const cached = await context.storage.then((storage) => storage.room(room_id)).catch(() => undefined)
    if (disposed) return
    if (cached) {
      hasPage = true
      set({ ...cached, first_unread_seq: firstUnreadSeq(cached) })
      return waitingChanged()
    }
    try {
      const [page, me] = await Promise.all([api.call<MessagePage>('GET', path), context.me()])
      if (disposed) return
      hasPage = true
      set(withFirstPage(state.get(), page, me))
      settlePage(page)
    } catch (error) {
      // The connection says the rest: no network, signed out.
      if (isApiError(error) && (error.code === 'forbidden' || error.code === 'not_found')) gone()
    }
    waitingChanged()
  }

  /** The newest page after the server has begun to tell us what is new, so that nothing falls in between. */
  async function loadNewest(attempt = 0): Promise<void> {
    const mine = ++loads
    try {
      const page = await api.call<MessagePage>('GET', path)
      if (disposed || mine !== loads) return
      hasPage = true
      set(withPage(state.get(), page))
      settlePage(page)
      markUnread()
      reportDelivered()
    } catch (error) {
      if (disposed || mine !== loads || !mayRetry(error)) return
      later(delayMs(attempt, 1_000, 30_000, context.random()), () => mine === loads && void loadNewest(attempt + 1))
    }
  }

  async function loadOlder(): Promise<void> {
    const now = state.get()
    const oldest = now.messages[0]?.seq
    if (!now.has_older || now.loading_older || !oldest) return
    const mine = loads
    set({ ...now, loading_older: true })
    try {
      const page = await api.call<MessagePage>('GET', `${path}?before=${oldest}`)
      if (mine === loads) set(withPage(state.get(), page))
      else change({ loading_older: false })
    } catch {
      // Lists ask again as soon as they may: not at once.
      later(olderAgainMs, () => change({ loading_older: false }))
    }
  }

  /** What a page shows as stored need not be sent any more. */
  function settlePage(page: MessagePage): void {
    for (const message of page.results) settle(message)
  }

  function settle(message: MessagePage['results'][number]): void {
    if (message.client_id === undefined || message.sender.id !== state.get().me?.id) return
    const stored: Stored = { ...message, client_id: message.client_id, message }
    acks.settle(stored.client_id, { type: 'stored', stored })
    outbox.settle(stored)
  }

  function receive(frame: ServerFrame): void {
    const isEvent = frame.type === 'chat_message' || frame.type === 'room_updated'
    // Late ones of an earlier opening on the same connection; the new one brings them in order.
    if (!isOpen && isEvent) return
    if (isOpen && isGap(state.get(), frame)) return resume()
    set(apply(state.get(), frame))
    if (frame.type === 'ready' || frame.type === 'room_opened') opened(frame)
    else if (frame.type === 'resumed') resumed(frame.resume === 'reset')
    else if (frame.type === 'chat_message') heard(frame)
    else if (frame.type === 'ack') acks.answer(frame)
    else if (frame.type === 'error') refused(frame)
    else if (frame.type === 'typing') expireTyping(frame)
  }

  function opened(frame: Extract<ServerFrame, { type: 'ready' | 'room_opened' }>): void {
    isOpen = true
    resuming = false
    if (frame.resume !== 'complete') hasPage = false
    if (hasPage) reportDelivered()
    else void loadNewest()
    if (arriving && 'room' in frame) arrived(frame.room.last_seq)
    if (readTarget) moveRead(readTarget)
    waitingChanged()
    outbox.kick(room_id)
  }

  /** Replayed messages up to the head were unread too; a person who has left already sees any later one so. */
  function arrived(head: number): void {
    arriving = false
    if (unreadUntilSeq < Number.POSITIVE_INFINITY) unreadUntilSeq = head
    if (hasPage) markUnread()
  }

  function resume(): void {
    if (resuming) return
    resuming = true
    link.send({ type: 'resume', ...place() })
    later(resumePatienceMs, () => {
      if (resuming) link.restart()
      resuming = false
    })
  }

  function resumed(wasReset: boolean): void {
    resuming = false
    if (wasReset) void loadNewest()
  }

  function heard(frame: Extract<ServerFrame, { type: 'chat_message' }>): void {
    settle(frame)
    const now = state.get()
    const shown = now.messages.find((message) => message.id === frame.id)
    if (!shown || !now.me || shown.own) return
    reportDelivered()
    if (now.first_unread_seq !== null || frame.seq > unreadUntilSeq) return
    if (isUnread(shown, now.me.role, sideReadSeq(now))) set({ ...now, first_unread_seq: frame.seq })
  }

  function refused(frame: Extract<ServerFrame, { type: 'error' }>): void {
    if (frame.code === 'not_found' && frame.client_id === undefined && !isOpen) return gone()
    acks.answer(frame)
  }

  /** The server ends it after 6 s; should that word be lost, so do we. */
  function expireTyping(frame: Extract<ServerFrame, { type: 'typing' }>): void {
    clearTimeout(typingTimers.get(frame.user_id))
    if (!frame.is_typing) return
    const over = { ...frame, is_typing: false }
    typingTimers.set(
      frame.user_id,
      setTimeout(() => set(apply(state.get(), over)), limits.typing_ms + 1_000),
    )
  }

  function markUnread(): void {
    change({ first_unread_seq: firstUnreadSeq(state.get()) })
  }

  /** The newest message of the other side that is here, told once, also when many come at a time. */
  function reportDelivered(): void {
    if (deliveredTimer) return
    deliveredTimer = true
    later(deliveredAfterMs, () => {
      deliveredTimer = false
      const { me, messages, receipts } = state.get()
      const newest = messages.findLast((message) => message.seq !== null && message.sender.role !== me?.role)
      if (!isOpen || !me || newest?.id == null || newest.seq === null) return
      const known = receipts.find((receipt) => receipt.user_id === me.id)?.delivered_seq ?? 0
      if (newest.seq <= Math.max(known, deliveredSeq)) return
      if (link.send({ type: 'delivered', message_id: newest.id })) deliveredSeq = newest.seq
    })
  }

  function read(message_id: number): void {
    if (unreadUntilSeq === Number.POSITIVE_INFINITY) unreadUntilSeq = 0
    const { messages } = state.get()
    const seq = messages.find((message) => message.id === message_id)?.seq
    if (seq != null && seq > (readTarget?.seq ?? 0)) moveRead({ message_id, seq })
  }

  /** Shown at once; told now, or when the connection is back. */
  function moveRead(target: { message_id: number; seq: number }): void {
    readTarget = target
    const now = state.get()
    const { me } = now
    if (!me) return
    if ((now.receipts.find((receipt) => receipt.user_id === me.id)?.read_seq ?? 0) >= target.seq) return
    const { message_id, seq } = target
    if (isOpen && !link.send({ type: 'read_receipt', message_id })) return
    const read_at = new Date().toISOString()
    set(apply(now, { type: 'read_receipt', room_id, user_id: me.id, role: me.role, message_id, seq, read_at }))
  }

  function waitingChanged(): void {
    set(withWaiting(state.get(), outbox.waiting(room_id), outbox.delay(room_id)))
  }

  function down(): void {
    isOpen = false
    resuming = false
    change({ typing: [] })
    acks.down()
  }

  function gone(): void {
    down()
    change({ phase: 'gone' })
    outbox.kick(room_id)
  }

  async function deliver(entry: Entry, delivery: Delivery): Promise<Outcome> {
    if (state.get().phase !== 'gone') return acks.deliver(entry, delivery)
    return { type: 'refused', refusal: { code: 'not_found', message: '' } }
  }

  return {
    state,
    load,
    receive,
    down,
    gone,
    ready: () => (isOpen && !resuming) || state.get().phase === 'gone',
    deliver,
    read,
    loadOlder,
    waitingChanged,
    stored: (stored) => set(withStored(state.get(), stored)),
    setMe: (me) => change({ me }),
    typing: sender.input,
    stopTyping: sender.stop,
    resumePoint: () => (hasPage ? place() : null),
    markCame() {
      unreadUntilSeq = 0
      if (isOpen) arrived(state.get().last_seq)
    },
    markLeft() {
      unreadUntilSeq = Number.POSITIVE_INFINITY
      change({ first_unread_seq: null })
    },
    keep: saveCache,
    dispose() {
      sender.stop()
      down()
      disposed = true
      for (const timer of [...timers, ...typingTimers.values()]) clearTimeout(timer)
    },
  }
}
