/**
 * Messages on their way, of one account in all its tabs. Each room is a queue with one unacked message at a time; a
 * refused one holds those behind it. Kept in storage until the server has them, under client ids that make sending
 * twice harmless. One tab sends (`leader.ts`); the others hand over through storage and hear what happens.
 */
import {
  createPreviews,
  type Delay,
  type Delivery,
  type Entry,
  type Live,
  newer,
  type Outcome,
  type Stored,
  shownEntry,
  type Waiting,
} from './entries'
import { delayMs } from './env'
import { createClientId, followClientId } from './ids'
import { createLeader, type LeaderNews } from './leader'
import type { ErrorCode } from './protocol.gen'
import type { Storage } from './storage'

const retryFirstMs = 1_000
const retryLongestMs = 30_000

export interface OutboxOptions {
  account: string
  storage: Promise<Storage>
  /** Whether something could be sent to this room now; `kick` tells when that changes. */
  ready: (room_id: number) => boolean
  deliver: (entry: Entry, delivery: Delivery) => Promise<Outcome>
  /** In every tab: a message was stored. Called before it leaves the outbox. */
  onStored: (stored: Stored) => void
  /** In every tab: what waits in a room, or why, has changed. */
  onChange: (room_id: number) => void
  random: () => number
}

export interface Outbox {
  waiting(room_id: number): Waiting[]
  delay(room_id: number): Delay | undefined
  size(): number
  add(entry: Pick<Entry, 'room_id' | 'text' | 'if_last_seq' | 'files'>): string
  retry(client_id: string): void
  discard(client_id: string): void
  stop(client_id: string): void
  /** It was seen among the stored ones. */
  settle(stored: Stored): void
  /** The way to this room, or to all, is open. */
  kick(room_id?: number): void
  clear(): Promise<void>
  close(): void
}

type News =
  | { type: 'changed' }
  | { type: 'stored'; stored: Stored }
  | { type: 'live'; client_id: string; live: Live | null }
  | { type: 'delay'; room_id: number; delay: Delay | null }
  | LeaderNews

/** What storage did not take, of outboxes that were closed: signing in again on the same page finds it. */
const leftBehind = new Map<string, Entry[]>()

export function createOutbox(options: OutboxOptions): Outbox {
  const lockName = `frontdesk.${options.account}.outbox`
  const entries = new Map<string, Entry>()
  const live = new Map<string, Live>()
  const delays = new Map<number, Delay>()
  const running = new Map<number, { order: string; abort: AbortController }>()
  const timers = new Map<number, ReturnType<typeof setTimeout>>()
  const tries = new Map<number, number>()
  const previews = createPreviews()
  /** Being written, or refused by storage: reading storage must not lose them. */
  const unsaved = new Set<string>()
  /** Refused by storage: nobody but this tab can send them. */
  const unsavable = new Set<string>()
  const deleted = new Set<string>()
  const stopped = new AbortController()
  const leader = createLeader({
    name: lockName,
    tell,
    waits: () => rooms().find((room_id) => !holds(queue(room_id)[0]) && options.ready(room_id)),
    ready: options.ready,
    prepare: () => enqueueWrite(reread),
    onLead() {
      // What the tab before said of its own attempts.
      live.clear()
      kick()
    },
    onLost: halt,
  })
  let storage: Storage | null = null
  let channel: BroadcastChannel | null = null
  let hasRead = false
  let writing: Promise<unknown> = options.storage.then(start)

  async function start(opened: Storage): Promise<void> {
    storage = opened
    if (stopped.signal.aborted) return opened.close()
    if (opened.shared) {
      channel = new BroadcastChannel(lockName)
      channel.onmessage = (event: MessageEvent<News>) => hear(event.data)
    }
    await reread()
    for (const entry of leftBehind.get(lockName) ?? []) save(entry)
    leftBehind.delete(lockName)
    leader.stand(!opened.shared)
  }

  /** One after another, so that storage ends where memory ended. */
  function enqueueWrite(write: () => Promise<unknown>): Promise<unknown> {
    writing = writing.then(write).catch(() => {})
    return writing
  }

  async function reread(): Promise<void> {
    const kept = await storage!.entries().catch(() => null)
    if (!kept) return
    const changed = new Set(rooms())
    const found = new Set(kept.map((entry) => entry.order))
    for (const order of entries.keys()) if (!found.has(order) && !unsaved.has(order)) entries.delete(order)
    for (const entry of kept) {
      changed.add(entry.room_id)
      followClientId(entry.order)
      if (unsaved.has(entry.order) || deleted.has(entry.order)) continue
      entries.set(entry.order, newer(entries.get(entry.order), entry))
    }
    if (!hasRead) moveBehind()
    hasRead = true
    for (const room_id of changed) {
      abortObsolete(room_id)
      options.onChange(room_id)
      void drain(room_id)
    }
  }

  /** What was written before storage was read comes after what was kept, though the clock was set back in between. */
  function moveBehind(): void {
    for (const early of [...unsaved].sort()) {
      const entry = entries.get(early)!
      entries.delete(early)
      unsaved.delete(early)
      save({ ...entry, order: createClientId() })
    }
  }

  function hear(news: News): void {
    if (news.type === 'changed') enqueueWrite(reread)
    else if (news.type === 'stored')
      byId(news.stored.client_id) ? take(news.stored, false) : options.onStored(news.stored)
    else if (news.type === 'live') setLive(news.client_id, news.live)
    else if (news.type === 'delay') setDelay(news.room_id, news.delay)
    else leader.hear(news)
  }

  function tell(news: News): void {
    channel?.postMessage(news)
  }

  const rooms = () => [...new Set([...entries.values()].map((entry) => entry.room_id))]

  /** Nothing goes before the person has decided about it. */
  const holds = (entry: Entry | undefined) => !entry || entry.failed || entry.stopped

  const maySend = (entry: Entry) => leader.leads() || unsavable.has(entry.order)

  const byId = (client_id: string) => [...entries.values()].find((entry) => entry.client_id === client_id)

  const queue = (room_id: number) =>
    [...entries.values()].filter((entry) => entry.room_id === room_id).sort((a, b) => (a.order < b.order ? -1 : 1))

  function save(entry: Entry): void {
    entries.set(entry.order, entry)
    unsaved.add(entry.order)
    options.onChange(entry.room_id)
    enqueueWrite(async () => {
      if (entries.get(entry.order) !== entry) return
      await storage!.putEntry(entry).then(
        () => unsaved.delete(entry.order),
        () => {
          unsavable.add(entry.order)
          options.onChange(entry.room_id)
        },
      )
      tell({ type: 'changed' })
      void drain(entry.room_id)
    })
    void drain(entry.room_id)
  }

  function remove(entry: Entry, inStorage = true): void {
    entries.delete(entry.order)
    unsaved.delete(entry.order)
    deleted.add(entry.order)
    live.delete(entry.client_id)
    previews.forget(entry.files ?? [])
    options.onChange(entry.room_id)
    if (!inStorage) return
    enqueueWrite(async () => {
      await storage!.deleteEntry(entry.order)
      tell({ type: 'changed' })
    })
  }

  function setLive(client_id: string, next: Live | null): void {
    if (next) live.set(client_id, next)
    else live.delete(client_id)
    const entry = byId(client_id)
    if (entry) options.onChange(entry.room_id)
  }

  function setDelay(room_id: number, delay: Delay | null): void {
    if (!delay && !delays.has(room_id)) return
    if (delay) delays.set(room_id, delay)
    else delays.delete(room_id)
    options.onChange(room_id)
  }

  /** Every tab shows it as stored before it leaves the queue, so that it never flickers. */
  function take(stored: Stored, inStorage = true): void {
    const entry = byId(stored.client_id)
    if (!entry) return
    options.onStored(stored)
    setDelay(stored.room_id, null)
    remove(entry, inStorage)
  }

  function abortObsolete(room_id: number): void {
    const now = running.get(room_id)
    const entry = now && entries.get(now.order)
    if (now && (!entry || entry.stopped)) now.abort.abort()
  }

  function halt(): void {
    for (const timer of timers.values()) clearTimeout(timer)
    timers.clear()
    for (const { abort } of running.values()) abort.abort()
  }

  async function drain(room_id: number): Promise<void> {
    const entry = queue(room_id)[0]
    if (!entry || holds(entry) || running.has(room_id) || timers.has(room_id)) return
    if (stopped.signal.aborted || !options.ready(room_id)) return
    if (!maySend(entry)) return leader.ask()
    const abort = new AbortController()
    running.set(room_id, { order: entry.order, abort })
    report(entry.client_id, { sentBytes: 0 })
    const outcome = await options.deliver(entry, {
      signal: abort.signal,
      onProgress: (sentBytes) => report(entry.client_id, { sentBytes }),
    })
    running.delete(room_id)
    report(entry.client_id, null)
    if (stopped.signal.aborted) return
    if (settleOutcome(entry, outcome)) void drain(room_id)
  }

  /** Whether the next one may go. */
  function settleOutcome(entry: Entry, outcome: Outcome): boolean {
    const { room_id } = entry
    if (outcome.type === 'wait') return false
    if (outcome.type !== 'stored' && !maySend(entry)) return true
    if (outcome.type === 'again') return sendAgain(entry, outcome)
    tries.delete(room_id)
    if (outcome.type === 'stored') {
      take(outcome.stored)
      tell({ type: 'stored', stored: outcome.stored })
    } else if (isCurrent(entry)) {
      save({ ...entry, failed: outcome.refusal })
    }
    delays.delete(room_id)
    tell({ type: 'delay', room_id, delay: null })
    return true
  }

  /** Neither discarded nor stopped meanwhile. */
  function isCurrent(entry: Entry): boolean {
    const now = entries.get(entry.order)
    return now?.client_id === entry.client_id && !now.stopped
  }

  function sendAgain(entry: Entry, outcome: { code?: ErrorCode; ms?: number }): boolean {
    const { room_id } = entry
    if (!isCurrent(entry)) return true
    const count = tries.get(room_id) ?? 0
    tries.set(room_id, count + 1)
    const ms = outcome.ms ?? delayMs(count, retryFirstMs, retryLongestMs, options.random())
    const delay = outcome.code ? { code: outcome.code, until: Date.now() + ms } : null
    setDelay(room_id, delay)
    tell({ type: 'delay', room_id, delay })
    const timer = setTimeout(() => {
      timers.delete(room_id)
      void drain(room_id)
    }, ms)
    timers.set(room_id, timer)
    return false
  }

  function report(client_id: string, next: Live | null): void {
    setLive(client_id, next)
    tell({ type: 'live', client_id, live: next })
  }

  function kick(room_id?: number): void {
    for (const id of room_id === undefined ? rooms() : [room_id]) {
      // A wait that the server asked for is kept; one that was only our back-off ends here.
      if (!delays.has(id)) {
        clearTimeout(timers.get(id))
        timers.delete(id)
      }
      void drain(id)
    }
  }

  return {
    waiting: (room_id) =>
      queue(room_id).map((entry) => ({
        ...shownEntry(entry, live.get(entry.client_id), previews),
        unkept: unsavable.has(entry.order),
      })),
    delay: (room_id) => delays.get(room_id),
    size: () => entries.size,
    add(given) {
      const client_id = createClientId()
      save({ ...given, order: client_id, client_id, created_at: new Date().toISOString() })
      return client_id
    },
    retry(client_id) {
      const entry = byId(client_id)
      if (!entry) return
      const { failed, stopped: _, ...rest } = entry
      // "Send anyway" is what retrying a stale message means.
      if (failed?.code === 'stale') delete rest.if_last_seq
      save(failed?.code === 'client_id_reused' ? { ...rest, client_id: createClientId() } : rest)
    },
    discard(client_id) {
      const entry = byId(client_id)
      if (!entry) return
      remove(entry)
      abortObsolete(entry.room_id)
      void drain(entry.room_id)
    },
    stop(client_id) {
      const entry = byId(client_id)
      if (!entry?.files) return
      save({ ...entry, stopped: true })
      abortObsolete(entry.room_id)
    },
    settle: take,
    kick,
    async clear() {
      for (const entry of [...entries.values()]) remove(entry)
      halt()
      await enqueueWrite(() => storage!.clear())
      tell({ type: 'changed' })
    },
    close() {
      stopped.abort()
      leader.close()
      leftBehind.set(
        lockName,
        [...entries.values()].filter((entry) => unsaved.has(entry.order)),
      )
      halt()
      previews.forget()
      void enqueueWrite(async () => storage?.close())
      channel?.close()
      channel = null
    },
  }
}
