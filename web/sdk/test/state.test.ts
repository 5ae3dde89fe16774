import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withPage, withWaiting } from '../src/edits'
import type { Waiting } from '../src/entries'
import { applyInbox, emptyInbox, withFilter, withRoomPage } from '../src/inboxState'
import type { ClientFrame, Message, Room, ServerFrame } from '../src/protocol.gen'
import { apply, emptyRoom, isGap } from '../src/state'
import type { RoomState } from '../src/types'
import { ada, grace } from './fakeServer'

const goldenFolder = join(import.meta.dirname, '../../../crates/protocol/golden')
const golden = readdirSync(goldenFolder)
  .filter((name) => name.endsWith('.json'))
  .map((name) => ({ name, value: JSON.parse(readFileSync(join(goldenFolder, name), 'utf8')) }))

/** The compiler keeps these complete; the tests keep the golden files to them. */
const serverTypes: Record<ServerFrame['type'], true> = {
  chat_message: true,
  typing: true,
  read_receipt: true,
  user_status: true,
  error: true,
  ready: true,
  ack: true,
  delivered: true,
  support_status: true,
  room_updated: true,
  heartbeat: true,
  token_expiring: true,
  auth_ok: true,
  reconnect: true,
  pong: true,
  resumed: true,
  room_summary: true,
  room_opened: true,
  room_closed: true,
}
const clientTypes: Record<ClientFrame['type'], true> = {
  chat_message: true,
  typing: true,
  read_receipt: true,
  delivered: true,
  resume: true,
  auth: true,
  ping: true,
  open_room: true,
  close_room: true,
}

const room: Room = golden.find(({ name }) => name === 'body.room.json')!.value

function message(seq: number, more: Partial<Message> = {}): Message & { type: 'chat_message' } {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString()
  const base = { id: 100 + seq, room_id: 7, seq, sender: ada, message: `m${seq}`, attachments: [], created_at: at }
  return { type: 'chat_message', read: false, ...base, ...more }
}

function openRoom(me = grace): RoomState {
  const empty: Room = { ...room, last_message: null, last_seq: 0, unread_count: 0 }
  const ready: ServerFrame = {
    type: 'ready',
    protocol: 1,
    epoch: 'e',
    room: empty,
    user: me,
    receipts: [],
    support_online: false,
    resume: 'none',
    heartbeat_ms: 25_000,
  }
  return withPage(apply(emptyRoom(7), ready), { results: [], next: null })
}

const receipt = (type: 'read_receipt' | 'delivered', seq: number, who = ada): ServerFrame => {
  const base = { room_id: 7, user_id: who.id, role: who.role, message_id: 100 + seq, seq }
  return type === 'delivered' ? { type, ...base } : { type, ...base, read_at: '2026-01-01T00:00:00.000Z' }
}

const waiting = (client_id: string, text: string): Waiting => ({
  order: client_id,
  client_id,
  room_id: 7,
  text,
  created_at: '2026-01-01T00:00:00.000Z',
  state: 'queued',
  uploads: [],
})

const fold = (frames: ServerFrame[], from = openRoom()) => frames.reduce(apply, from)

describe('golden files', () => {
  test.each(golden)('$name is known here', ({ name, value }) => {
    const [kind] = name.split('.')
    if (kind === 'server') expect(Object.keys(serverTypes)).toContain(value.type)
    else if (kind === 'client') expect(Object.keys(clientTypes)).toContain(value.type)
    else expect(kind).toBe('body')
  })

  test.each(golden.filter(({ name }) => name.startsWith('server.')))('$name folds, twice as once', ({ value }) => {
    const once = apply(openRoom(), value)
    expect(apply(once, value)).toEqual(once)
    const inboxOnce = applyInbox(emptyInbox(), value)
    expect(applyInbox(inboxOnce, value)).toEqual(inboxOnce)
  })

  test('the message is shown as it was stored', () => {
    const state = fold([golden.find(({ name }) => name === 'server.chat_message_files.json')!.value])
    expect(state.messages[0]).toMatchObject({ id: 6, seq: 4, message: '', own: false, state: null, key: 'm6' })
    expect(state.messages[0]?.attachments).toHaveLength(2)
  })
})

describe('a room', () => {
  test('is ordered by seq and holds each message once, in whatever order frames come', () => {
    const frames = Array.from({ length: 30 }, (_, n) => message(n + 1))
    for (let seed = 1; seed <= 20; seed++) {
      let random = seed
      const next = () => {
        random = (random * 16807) % 2147483647
        return random / 2147483647
      }
      const shuffled = [...frames, ...frames].sort(() => next() - 0.5)
      const state = fold(shuffled)
      expect(
        state.messages.map((it) => it.seq),
        `seed ${seed}`,
      ).toEqual(frames.map((it) => it.seq))
      expect(state.last_seq).toBe(30)
    }
  })

  test('replaces an own message once, whether ack or echo comes first', () => {
    const client_id = '019b76da-a800-7c1e-8f7b-3d2a9c5e4f10'
    const { created_at } = message(1)
    const entry = waiting(client_id, 'm1')
    const before = withWaiting(openRoom(), [entry], undefined)
    const ack: ServerFrame = { type: 'ack', client_id, id: 101, seq: 1, created_at, duplicate: false }
    const echo = message(1, { client_id, sender: grace })
    for (const frames of [[ack, echo], [echo, ack], [echo], [ack, ack, echo, echo]]) {
      const state = fold(frames, before)
      expect(state.messages).toHaveLength(1)
      expect(state.messages[0]).toMatchObject({ key: client_id, id: 101, seq: 1, own: true, state: 'sent' })
      expect(withWaiting(state, [entry], undefined).messages).toHaveLength(1)
    }
  })

  test('takes nobody else’s message for its own, even under the same client id', () => {
    const client_id = 'x'
    const entry = waiting('x', 'mine')
    const state = fold([message(1, { client_id })], withWaiting(openRoom(), [entry], undefined))
    expect(state.messages.map((it) => [it.message, it.own])).toEqual([
      ['m1', false],
      ['mine', true],
    ])
  })

  test('moves ticks forward only', () => {
    const own = message(1, { sender: grace, client_id: 'a' })
    let state = fold([own])
    const seen: unknown[] = []
    for (const frame of [receipt('delivered', 1), receipt('read_receipt', 1), receipt('delivered', 1), own]) {
      state = apply(state, frame)
      seen.push(state.messages[0]?.state)
    }
    expect(seen).toEqual(['delivered', 'read', 'read', 'read'])
  })

  test('moves receipts forward only', () => {
    const state = fold([receipt('read_receipt', 5), receipt('read_receipt', 2), receipt('delivered', 1)])
    expect(state.receipts).toEqual([{ user_id: 1, role: 'admin', read_seq: 5, delivered_seq: 5 }])
  })

  test('takes no tick from the own side', () => {
    const state = fold([message(1, { sender: grace }), receipt('read_receipt', 1, grace)])
    expect(state.messages[0]?.state).toBe('sent')
  })

  test('counts what the own side has not read', () => {
    const three = fold([message(1), message(2), message(3, { sender: grace })])
    expect(three.room?.unread_count).toBe(2)
    expect(apply(three, receipt('read_receipt', 1, grace)).room?.unread_count).toBe(1)
    expect(apply(three, receipt('read_receipt', 3, grace)).room?.unread_count).toBe(0)
  })

  test('counts for an admin what no admin has read', () => {
    const state = fold([message(1, { sender: grace }), message(2, { sender: grace })], openRoom(ada))
    const other = { ...ada, id: 9 }
    expect(state.room?.unread_count).toBe(2)
    expect(apply(state, receipt('read_receipt', 2, other)).room?.unread_count).toBe(0)
  })

  test('sees a gap in live seqs, and none in a page without the other events', () => {
    const state = fold([message(1)])
    expect(isGap(state, message(2))).toBe(false)
    expect(isGap(state, message(3))).toBe(true)
    expect(isGap(state, { type: 'heartbeat', last_seq: 1 })).toBe(false)
    expect(isGap(state, { type: 'heartbeat', last_seq: 2 })).toBe(true)
    const updated: ServerFrame = {
      type: 'room_updated',
      room_id: 7,
      seq: 2,
      status: 'resolved',
      user_id: 1,
      created_at: '',
    }
    const page = withPage(fold([message(1), updated, message(3)]), { results: [message(1), message(3)], next: null })
    expect(page.last_seq).toBe(3)
    expect(isGap(page, message(4))).toBe(false)
  })

  test('is reopened by a user’s message, not by an admin’s', () => {
    const updated: ServerFrame = {
      type: 'room_updated',
      room_id: 7,
      seq: 1,
      status: 'resolved',
      user_id: 1,
      created_at: '',
    }
    expect(fold([updated, message(2)]).room?.status).toBe('resolved')
    expect(fold([updated, message(2, { sender: grace })]).room?.status).toBe('open')
  })

  test('stops showing a typist when the message comes, the word comes, or the person goes', () => {
    const typing: ServerFrame = { type: 'typing', room_id: 7, user_id: 1, name: 'Ada', is_typing: true }
    const state = fold([typing, typing])
    expect(state.typing).toEqual([{ user_id: 1, name: 'Ada' }])
    const gone: ServerFrame = {
      type: 'user_status',
      room_id: 7,
      user_id: 1,
      role: 'admin',
      status: 'offline',
      last_seen: null,
    }
    for (const end of [message(1), { ...typing, is_typing: false }, gone]) expect(apply(state, end).typing).toEqual([])
  })

  test('forgets what was stored at a reset and keeps what waits', () => {
    const entry = waiting('x', 'mine')
    const state = withWaiting(fold([message(1), message(2)]), [entry], undefined)
    const reset = apply(state, { type: 'resumed', room_id: 7, after: 2, last_seq: 9, resume: 'reset' })
    expect(reset).toMatchObject({ phase: 'loading', last_seq: 9, messages: [{ message: 'mine' }] })
  })
})

describe('the inbox', () => {
  const made = (id: number, more: Partial<Room> = {}): Room => ({
    ...room,
    id,
    user: { ...grace, id: 50 + id, name: `User ${id}` },
    unread_count: 0,
    last_message: null,
    updated_at: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(),
    ...more,
  })
  const summary = { rooms: 100, rooms_unread: 4, unread: 9, open: 30, resolved: 70 }
  const ready: ServerFrame = {
    type: 'ready',
    protocol: 1,
    epoch: 'e',
    user: ada,
    version: '1',
    summary,
    resume: 'none',
    heartbeat_ms: 25_000,
  }
  const changed = (it: Room, version = '2'): ServerFrame => ({ type: 'room_summary', room: it, version })
  const start = () =>
    withRoomPage(applyInbox(emptyInbox(), ready), { results: [made(9), made(8), made(7)], next: 'more' }, true)
  const ids = (model: ReturnType<typeof start>) => model.view.rooms.map((it) => it.id)

  test('shows the newest activity first', () => {
    const model = applyInbox(start(), changed(made(7, { updated_at: '2027-01-01T00:00:00.000Z' })))
    expect(ids(model)).toEqual([7, 9, 8])
    expect(model.version).toBe('2')
  })

  test('leaves a room that lies past the loaded pages to its page', () => {
    expect(ids(applyInbox(start(), changed(made(3))))).toEqual([9, 8, 7])
    expect(ids(applyInbox(start(), changed(made(12))))).toEqual([12, 9, 8, 7])
    const whole = withRoomPage(start(), { results: [made(5)], next: null }, false)
    expect(ids(applyInbox(whole, changed(made(3))))).toEqual([9, 8, 7, 5, 3])
  })

  test('moves the counts by what changed, and asks when it cannot know', () => {
    const model = applyInbox(start(), changed(made(8, { unread_count: 2, status: 'resolved' })))
    expect(model.view.summary).toEqual({ rooms: 100, rooms_unread: 5, unread: 11, open: 29, resolved: 71 })
    expect(model.summary_is_stale).toBe(false)
    expect(applyInbox(model, changed(made(3, { unread_count: 1 }))).summary_is_stale).toBe(true)
  })

  test('keeps to the filter', () => {
    const unread = withFilter(start(), { show: 'unread' })
    expect(ids(unread)).toEqual([])
    const page = withRoomPage(unread, { results: [made(6, { unread_count: 1 })], next: null }, true)
    const two = applyInbox(page, changed(made(8, { unread_count: 3 })))
    expect(ids(two)).toEqual([8, 6])
    expect(ids(applyInbox(two, changed(made(6))))).toEqual([8])
    const named = withRoomPage(withFilter(start(), { q: 'user 8' }), { results: [made(8)], next: null }, true)
    expect(ids(applyInbox(named, changed(made(9))))).toEqual([8])
  })

  test('names the newest arrival, from users only, once', () => {
    const hello = message(1, { id: 900, sender: made(8).user, message: 'Hello' })
    const model = applyInbox(start(), changed(made(8, { last_message: hello })))
    expect(model.view.last_arrival).toEqual({ room_id: 8, message_id: 900, name: 'User 8', text: 'Hello' })
    const answered = applyInbox(model, changed(made(8, { last_message: message(2, { id: 901, sender: ada }) })))
    expect(answered.view.last_arrival).toBe(model.view.last_arrival)
  })

  test('knows who is online and who types', () => {
    const typing: ServerFrame = { type: 'typing', room_id: 8, user_id: 58, name: 'User 8', is_typing: true }
    const online: ServerFrame = {
      type: 'user_status',
      room_id: 8,
      user_id: 58,
      role: 'user',
      status: 'online',
      last_seen: null,
    }
    const model = [typing, online].reduce(applyInbox, start())
    expect(model.view.typing).toEqual({ 8: ['User 8'] })
    expect(model.view.rooms.find((it) => it.id === 8)?.online).toBe(true)
    expect(applyInbox(model, { ...typing, is_typing: false }).view.typing).toEqual({})
  })
})
