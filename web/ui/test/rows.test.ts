/** Grouping: which messages share a foot, and where the lines between them stand. */
import type { RoomState, ShownMessage } from '@frontdesk/sdk'
import { emptyRoom } from '@frontdesk/sdk'
import { expect, test } from 'vitest'
import { type Group, rows, sameGroup } from '../src/thread/rows'

const grace = { id: 1, name: 'Grace', role: 'user' } as const
const ada = { id: 2, name: 'Ada', role: 'admin' } as const

let seq = 0
function message(change: Partial<ShownMessage> = {}): ShownMessage {
  seq += 1
  const sender = change.sender ?? grace
  return {
    key: `m${seq}`,
    id: seq,
    seq,
    room_id: 7,
    sender,
    message: 'Hello',
    attachments: [],
    uploads: [],
    created_at: new Date(2026, 0, 5, 10, 30, seq % 60).toISOString(),
    own: sender === grace,
    state: sender === grace ? 'sent' : null,
    ...change,
  }
}
const state = (messages: ShownMessage[], change: Partial<RoomState> = {}): RoomState => ({
  ...emptyRoom(7),
  phase: 'ready',
  me: grace,
  messages,
  ...change,
})
const groupsOf = (of: RoomState) => rows(of, 'user').filter((row): row is Group => row.kind === 'group')
const sizes = (of: RoomState) => groupsOf(of).map((group) => group.messages.length)
const kinds = (of: RoomState) => rows(of, 'user').map((row) => row.kind)

test('messages of one person in one minute share a group', () => {
  expect(sizes(state([message(), message(), message({ sender: ada }), message()]))).toEqual([2, 1, 1])
})

test('another minute begins another group', () => {
  const later = new Date(2026, 0, 5, 10, 31).toISOString()
  expect(sizes(state([message(), message({ created_at: later })]))).toEqual([1, 1])
})

test('a failed message stands alone', () => {
  expect(sizes(state([message(), message({ state: 'failed' }), message()]))).toEqual([1, 1, 1])
})

test('a message that is being uploaded stands alone, and joins its neighbours when it is done', () => {
  const upload = { name: 'a', size: 2, content_type: 'text/plain', sent: 1 } as const
  const running = message({ uploads: [{ ...upload, state: 'uploading' }] })
  expect(sizes(state([message(), running]))).toEqual([1, 1])
  expect(sizes(state([message(), { ...running, uploads: [{ ...upload, state: 'done' }] }]))).toEqual([2])
})

test('queued messages group among themselves and not with sent ones', () => {
  const queued = { seq: null, id: null, state: 'queued' } as const
  expect(sizes(state([message(), message(queued), message(queued)]))).toEqual([1, 2])
})

test('a new day has a line, and no group crosses it', () => {
  const yesterday = new Date(2026, 0, 4, 23, 59, 59).toISOString()
  expect(kinds(state([message({ created_at: yesterday }), message()]))).toEqual(['day', 'group', 'day', 'group'])
})

test('the line of new messages stands before the first unread one of the other side', () => {
  const read = message({ sender: ada })
  const own = message()
  const unread = state([read, own, message({ sender: ada })], { first_unread_seq: own.seq })
  expect(kinds(unread)).toEqual(['day', 'group', 'group', 'new', 'group'])
})

test('a change of status stands at its seq and ends a group', () => {
  const before = message()
  seq += 1
  const change = { seq, status: 'resolved', user_id: 2, created_at: before.created_at } as const
  expect(kinds(state([before, message()], { status_changes: [change] }))).toEqual(['day', 'group', 'status', 'group'])
})

test('a change of status from before the loaded messages waits for its surroundings', () => {
  const change = { seq: 1, status: 'resolved', user_id: 2, created_at: new Date(2026, 0, 1).toISOString() } as const
  const part = state([message()], { status_changes: [change], has_older: true })
  expect(kinds(part)).toEqual(['day', 'group'])
  expect(kinds({ ...part, has_older: false })).toEqual(['day', 'status', 'day', 'group'])
})

test('only the group that ends in the newest read message says so', () => {
  const later = (minute: number) => new Date(2026, 0, 5, 10, minute).toISOString()
  const groups = groupsOf(
    state([
      message({ state: 'read', created_at: later(1) }),
      message({ state: 'read', created_at: later(2) }),
      message({ state: 'sent', created_at: later(3) }),
    ]),
  )
  expect(groups.map((group) => group.newestRead)).toEqual([false, true, false])
})

test('in the console every admin stands on the trailing edge, but only one is oneself', () => {
  const groups = rows(state([message({ sender: ada, own: false }), message({ own: false })]), 'admin').filter(
    (row): row is Group => row.kind === 'group',
  )
  expect(groups.map(({ ours, own }) => [ours, own])).toEqual([
    [true, false],
    [false, false],
  ])
})

test('a group is the same until one of its messages is replaced', () => {
  const one = message()
  const [before] = groupsOf(state([one]))
  const [same] = groupsOf(state([one]))
  const [changed] = groupsOf(state([{ ...one, state: 'read' }]))
  if (!before || !same || !changed) throw new Error('each state has a group')
  expect(sameGroup(before, same)).toBe(true)
  expect(sameGroup(before, changed)).toBe(false)
})
