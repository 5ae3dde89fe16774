/** Whatever order, doubles, gaps and replays frames come in: the view is the server's history, and watermarks never go back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { forCache, withFirstPage, withPage, withWaiting } from '../src/edits'
import type { Waiting } from '../src/entries'
import type { Message, Receipt, Room, ServerFrame } from '../src/protocol.gen'
import { apply, emptyRoom, isGap, mergeMessages } from '../src/state'
import type { RoomState, SendState } from '../src/types'
import { ada, grace } from './fakeServer'

const numRuns = Number(process.env.PROPERTY_RUNS ?? 500)
const created_at = '2026-01-01T00:00:00.000Z'

type Durable = Extract<ServerFrame, { type: 'chat_message' | 'room_updated' }>

/** What the server has, by seq from 1 on. */
const history: fc.Arbitrary<Durable[]> = fc
  .array(fc.constantFrom('grace', 'graceWithId', 'ada', 'status'), { minLength: 1, maxLength: 40 })
  .map((kinds) =>
    kinds.map((kind, index): Durable => {
      const seq = index + 1
      if (kind === 'status') {
        const status = index % 2 ? 'open' : 'resolved'
        return { type: 'room_updated', room_id: 7, seq, status, user_id: ada.id, created_at }
      }
      const sender = kind === 'ada' ? ada : grace
      const message: Message = {
        id: 100 + seq,
        room_id: 7,
        seq,
        sender,
        message: kind,
        attachments: [],
        created_at,
        read: false,
      }
      return { type: 'chat_message', ...message, ...(kind === 'graceWithId' ? { client_id: `c${seq}` } : {}) }
    }),
  )

const roomAt = (last_seq: number): Room => ({
  id: 7,
  user: grace,
  status: 'open',
  unread_count: 0,
  last_message: null,
  last_seq,
  online: true,
  last_seen: null,
  created_at,
  updated_at: created_at,
})

const ready = (last_seq: number, resume: 'none' | 'complete' | 'reset', epoch = 'e1'): ServerFrame => ({
  type: 'ready',
  protocol: 1,
  epoch,
  room: roomAt(last_seq),
  user: grace,
  receipts: [],
  support_online: true,
  resume,
  heartbeat_ms: 25_000,
})

const isMessage = (event: Durable) => event.type === 'chat_message'
const asMessage = ({ type: _, ...message }: Extract<Durable, { type: 'chat_message' }>): Message => message
const pageOf = (events: Durable[], limit: number) => {
  const all = events.filter(isMessage).map(asMessage)
  const results = all.slice(-limit)
  return { results, next: all.length > limit ? (results[0]?.seq ?? null) : null }
}

function shows(state: RoomState, events: Durable[]): void {
  const seqs = (type: Durable['type']) => events.filter((event) => event.type === type).map((event) => event.seq)
  expect(state.messages.filter((it) => it.seq !== null).map((it) => it.seq)).toEqual(seqs('chat_message'))
  expect(state.status_changes.map((it) => it.seq)).toEqual(seqs('room_updated'))
}

/** As a followed room does: what shows a gap is not folded, but everything after the last seq asked for again. */
function hear(state: RoomState, frame: ServerFrame, events: Durable[]): RoomState {
  if (!isGap(state, frame)) return apply(state, frame)
  return events.filter((event) => event.seq > state.last_seq).reduce<RoomState>(apply, state)
}

test('frames that are late, doubled or lost leave the server’s history, each event once', () => {
  fc.assert(
    fc.property(history, fc.array(fc.nat({ max: 39 }), { maxLength: 120 }), (events, picks) => {
      let state: RoomState = { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' }
      for (const pick of picks) {
        state = hear(state, events[pick % events.length]!, events)
        const seen = state.messages.map((it) => it.seq!)
        expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
      }
      state = hear(state, { type: 'heartbeat', last_seq: events.length }, events)
      shows(state, events)
      expect(state.last_seq).toBe(events.length)
    }),
    { numRuns },
  )
})

test('a frame that comes again changes nothing', () => {
  fc.assert(
    fc.property(history, fc.nat({ max: 39 }), (events, pick) => {
      const state = events.reduce<RoomState>(apply, { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' })
      expect(apply(state, events[pick % events.length]!)).toEqual(state)
    }),
    { numRuns },
  )
})

test('an own message is shown once, whichever of echo, ack, page and outbox comes first', () => {
  const key = 'c1'
  const stored = { id: 101, seq: 1, created_at }
  const message: Message = {
    ...stored,
    room_id: 7,
    sender: grace,
    message: 'Hi',
    attachments: [],
    read: false,
    client_id: key,
  }
  const waiting: Waiting = {
    order: key,
    client_id: key,
    room_id: 7,
    text: 'Hi',
    created_at,
    state: 'sending',
    uploads: [],
  }
  const happenings: Record<string, (state: RoomState) => RoomState> = {
    waits: (state) => withWaiting(state, [waiting], undefined),
    leaves: (state) => withWaiting(state, [], undefined),
    ack: (state) => apply(state, { type: 'ack', client_id: key, ...stored, duplicate: false }),
    echo: (state) => apply(state, { type: 'chat_message', ...message }),
    page: (state) => withPage(state, { results: [message], next: null }),
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...Object.keys(happenings)), { maxLength: 12 }), (names) => {
      let state: RoomState = { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' }
      state = happenings.waits!(state)
      for (const name of [...names, 'echo']) {
        state = happenings[name]!(state)
        expect(state.messages.length).toBeLessThanOrEqual(1)
      }
      expect(state.messages).toMatchObject([{ key, ...stored, state: 'sent' }])
    }),
    { numRuns },
  )
})

test('resumed from any moment, with the cache of a reload in between or not, nothing is missed and nothing twice', () => {
  fc.assert(
    fc.property(history, fc.nat(), fc.boolean(), (events, cut, reloaded) => {
      const seen = cut % (events.length + 1)
      let state: RoomState = { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' }
      state = events.slice(0, seen).reduce<RoomState>(apply, state)
      if (reloaded) state = structuredClone(forCache(state))
      state = apply(state, ready(events.length, 'complete'))
      state = events.filter((event) => event.seq > state.last_seq).reduce<RoomState>(apply, state)
      shows(state, events)
    }),
    { numRuns },
  )
})

test('after a reset the newest page, the older ones and what comes live are the history, and what waits stays', () => {
  fc.assert(
    fc.property(
      history,
      history,
      fc.nat(),
      fc.integer({ min: 1, max: 10 }),
      fc.boolean(),
      (before, after, cut, limit, first) => {
        const waiting = {
          order: 'w',
          client_id: 'w',
          room_id: 7,
          text: 'waits',
          created_at,
          state: 'queued',
          uploads: [],
        }
        const missed = cut % (after.length + 1)
        let state: RoomState = { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' }
        if (first) state = withFirstPage(emptyRoom(7), pageOf(before, limit), grace)
        else state = before.reduce<RoomState>(apply, state)
        state = withWaiting(state, [waiting as Waiting], undefined)
        state = apply(state, ready(missed, 'reset', 'e2'))
        expect(state.messages.map((it) => it.message)).toEqual(['waits'])
        // Some of it comes live while the page is on its way.
        const page = pageOf(after.slice(0, missed), limit)
        state = after.slice(missed).reduce<RoomState>(apply, state)
        state = withPage(state, page)
        while (state.has_older) {
          const oldest = state.messages[0]!.seq!
          state = withPage(
            state,
            pageOf(
              after.filter((event) => event.seq < oldest),
              limit,
            ),
          )
        }
        const stored = state.messages.filter((it) => it.seq !== null)
        expect(stored.map((it) => it.id)).toEqual(after.filter(isMessage).map((event) => asMessage(event).id))
        expect(state.messages.at(-1)?.message).toBe('waits')
      },
    ),
    { numRuns },
  )
})

test('receipts, ticks and unread counts only go forward, in whatever order they are told', () => {
  const order: SendState[] = ['sent', 'delivered', 'read']
  const word = fc.record({
    type: fc.constantFrom('read_receipt' as const, 'delivered' as const),
    who: fc.constantFrom(ada, { ...ada, id: 9 }, grace),
    seq: fc.integer({ min: 1, max: 40 }),
  })
  fc.assert(
    fc.property(history, fc.array(word, { maxLength: 40 }), (events, words) => {
      let state: RoomState = { ...apply(emptyRoom(7), ready(0, 'none')), phase: 'ready' }
      state = events.reduce<RoomState>(apply, state)
      for (const { type, who, seq } of words) {
        const before = state
        const told = { room_id: 7, user_id: who.id, role: who.role, message_id: 100 + seq, seq }
        state = apply(state, type === 'delivered' ? { type, ...told } : { type, ...told, read_at: created_at })
        for (const old of before.receipts) {
          const now = state.receipts.find((it) => it.user_id === old.user_id) as Receipt
          expect(now.read_seq).toBeGreaterThanOrEqual(old.read_seq)
          expect(now.delivered_seq).toBeGreaterThanOrEqual(old.delivered_seq)
        }
        for (const [index, { state: tick }] of state.messages.entries()) {
          const old = before.messages[index]!.state
          if (tick && old) expect(order.indexOf(tick)).toBeGreaterThanOrEqual(order.indexOf(old))
        }
        const read = state.receipts.find((it) => it.user_id === grace.id)?.read_seq ?? 0
        const unread = state.messages.filter((it) => it.sender.role === 'admin' && it.seq! > read).length
        expect(state.room?.unread_count).toBe(unread)
      }
    }),
    { numRuns },
  )
})

test('pages merge to the same list in whatever order they come', () => {
  fc.assert(
    fc.property(history, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 12 })), { minLength: 1 }), (events, cuts) => {
      const all = events.reduce<RoomState>(apply, apply(emptyRoom(7), ready(0, 'none'))).messages
      const parts = cuts.map(([from, count]) => all.slice(from % (all.length + 1)).slice(0, count))
      const merged = [...parts, all].reduce(mergeMessages, [])
      expect(merged.map((it) => it.seq)).toEqual(all.map((it) => it.seq))
    }),
    { numRuns },
  )
})
