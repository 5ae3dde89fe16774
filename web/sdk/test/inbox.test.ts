import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type Api, apiError } from '../src/api'
import { createInbox, type Inbox } from '../src/inbox'
import type { Room, RoomPage, RoomsSummary, ServerFrame } from '../src/protocol.gen'
import { ada, grace } from './fakeServer'

const summary: RoomsSummary = { rooms: 9, rooms_unread: 1, unread: 2, open: 8, resolved: 1 }
let inbox: Inbox
let asked: string[]
/** Answers wait here until the test gives them. */
let answers: ((answer: RoomPage | Error) => void)[]
let summaries: number

const api: Api = {
  call<T>(_method: string, path: string): Promise<T> {
    if (path === '/api/chat/rooms/summary/') {
      summaries++
      return Promise.resolve({ ...summary, rooms: 10 } as T)
    }
    asked.push(path.replace('/api/chat/rooms/', ''))
    return new Promise((resolve, reject) =>
      answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer as T))),
    )
  },
  blob: () => Promise.reject(new Error('not asked for here')),
  upload: () => Promise.reject(new Error('not asked for here')),
}

beforeEach(() => {
  vi.useFakeTimers()
  asked = []
  answers = []
  summaries = 0
  inbox = createInbox(api)
})

afterEach(() => {
  inbox.dispose()
  vi.useRealTimers()
})

const made = (id: number): Room => ({
  id,
  user: { ...grace, id: 50 + id, name: `User ${id}` },
  status: 'open',
  unread_count: 0,
  last_message: null,
  last_seq: 0,
  online: false,
  last_seen: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: new Date(Date.UTC(2026, 0, 1, 0, id)).toISOString(),
})

const page = (ids: number[], next: string | null = null): RoomPage => ({ results: ids.map(made), next })
const view = () => inbox.handle.get()
const ids = () => view().rooms.map((room) => room.id)
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms)

async function answer(which: number, given: RoomPage | Error): Promise<void> {
  answers[which]!(given)
  await pass()
}

function ready(resume: 'none' | 'complete' | 'reset'): ServerFrame {
  return { type: 'ready', protocol: 1, epoch: 'e', user: ada, version: '5', summary, resume, heartbeat_ms: 25_000 }
}

describe('the list of rooms', () => {
  test('is shown as soon as it is here, and once more after the server began to tell what is new', async () => {
    await answer(0, page([2, 1]))
    expect(ids()).toEqual([2, 1])
    inbox.receive(ready('none'))
    await answer(1, page([3, 2, 1]))
    expect(ids()).toEqual([3, 2, 1])
    expect(inbox.resumePoint()).toEqual({ after: '5', epoch: 'e' })
    inbox.receive(ready('reset'))
    expect(asked).toEqual(['?', '?', '?'])
  })

  test('asks again who is here after a pause, for as many rooms as it shows', async () => {
    await answer(0, page([3, 2, 1]))
    inbox.receive(ready('complete'))
    const [third, second] = [made(3), made(2)]
    await answer(1, { results: [{ ...third, online: true }, second], next: 'c1' })
    expect(asked.slice(1)).toEqual(['?&limit=200', '?cursor=c1&limit=200'])
    await answer(2, page([1, 0], 'c2'))
    expect(asked).toHaveLength(3)
    expect(view().rooms.map((room) => room.online)).toEqual([true, false, false])
    expect(ids()).toEqual([3, 2, 1])
  })

  test('grows page by page', async () => {
    await answer(0, page([5, 4], 'c1'))
    expect(view().has_more).toBe(true)
    const more = inbox.handle.loadMore()
    void inbox.handle.loadMore()
    expect(view().loading_more).toBe(true)
    await answer(1, page([3, 2]))
    await more
    expect(asked).toEqual(['?', '?cursor=c1'])
    expect(ids()).toEqual([5, 4, 3, 2])
    expect(view()).toMatchObject({ has_more: false, loading_more: false })
  })

  test('asks the server for what the filter means, once the last letter is there', async () => {
    await answer(0, page([2, 1]))
    for (const q of ['a', 'ad', 'ada']) inbox.handle.setFilter({ q })
    await pass(300)
    inbox.handle.setFilter({ q: '', show: 'unread' })
    await pass(300)
    inbox.handle.setFilter({ show: 'resolved' })
    await pass()
    expect(asked.slice(1)).toEqual(['?q=ada', '?unread=1', '?status=resolved'])
  })

  test('takes no answer to an older question', async () => {
    await answer(0, page([2, 1]))
    inbox.handle.setFilter({ q: 'x' })
    await pass(300)
    inbox.handle.setFilter({ q: '' })
    await pass(300)
    await answer(2, page([2, 1]))
    await answer(1, page([9]))
    expect(ids()).toEqual([2, 1])
  })

  test('says that it failed, and tries again when asked', async () => {
    await answer(0, apiError(0, 'network', ''))
    expect(view().phase).toBe('failed')
    void inbox.handle.reload()
    await answer(1, page([1]))
    expect(view().phase).toBe('ready')
  })

  test('has its counts from the server where it cannot know them', async () => {
    await answer(0, page([2, 1]))
    inbox.receive(ready('complete'))
    expect(view().summary).toEqual(summary)
    inbox.receive({ type: 'room_summary', room: made(7), version: '6' })
    await pass(1_100)
    expect(view().summary?.rooms).toBe(10)
    inbox.receive({ type: 'room_summary', room: made(7), version: '7' })
    inbox.receive({ type: 'room_summary', room: made(7), version: '8' })
    await pass(60_000)
    expect(summaries).toBe(2)
  })

  test('stops showing a typist of whom nothing more is heard', async () => {
    inbox.receive({ type: 'typing', room_id: 2, user_id: 52, name: 'User 2', is_typing: true })
    expect(view().typing).toEqual({ 2: ['User 2'] })
    await pass(7_100)
    expect(view().typing).toEqual({})
  })
})
