import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createClient } from '../src/client'
import { createInboxClient } from '../src/inboxClient'
import type { ErrorCode } from '../src/protocol.gen'
import { openStorage } from '../src/storage'
import type { Client, ClientOptions, InboxClient } from '../src/types'
import { ada, createEnv, type FakeEnv, type FakeServer, grace, startServer, until } from './fakeServer'

let server: FakeServer
let env: FakeEnv
let accounts = 0
const clients: Client[] = []

beforeEach(async () => {
  server = await startServer()
  server.open(7)
  env = createEnv((url, protocols) => new WebSocket(url, protocols))
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await server.stop()
})

function connect(user = grace, options: Partial<ClientOptions> = {}): Client {
  const account = `test${++accounts}`
  const client = createClient({ url: server.url, token: async () => String(user.id), account, ...options }, env)
  clients.push(client)
  return client
}

/** As an admin does, with the inbox. */
function connectInbox(options: Partial<ClientOptions> = {}): InboxClient {
  const account = `test${++accounts}`
  const client = createInboxClient({ url: server.url, token: async () => String(ada.id), account, ...options }, env)
  clients.push(client)
  return client
}

const texts = (handle: { get(): { messages: { message: string }[] } }) => handle.get().messages.map((it) => it.message)

describe('a user', () => {
  test('sees what was written before, and what is written now', async () => {
    server.says(ada, 7, 'Hello')
    const room = connect().room(7)
    await until(() => room.get().phase === 'ready')
    expect(texts(room)).toEqual(['Hello'])
    expect(room.get().me).toEqual(grace)
    await until(() => room.get().epoch)
    server.says(ada, 7, 'How can I help?')
    await until(() => room.get().messages.length === 2)
    expect(room.get().last_seq).toBe(2)
    expect(room.get().room?.unread_count).toBe(2)
  })

  test('sees an own message at once, under one key from queued to read', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    const key = room.send('Hi')
    expect(room.get().messages).toMatchObject([{ key, id: null, own: true, message: 'Hi', sender: grace }])
    const stored = await until(() => room.get().messages.find((it) => it.key === key && it.state === 'sent'))
    expect(stored).toMatchObject({ seq: 1, message: 'Hi' })
    const reader = connect(ada).room(7)
    await until(() => room.get().messages[0]?.state === 'delivered')
    await until(() => reader.get().messages.length === 1)
    reader.read(stored.id!)
    await until(() => room.get().messages[0]?.state === 'read')
    expect(room.get().messages).toHaveLength(1)
    expect(room.get().messages[0]?.key).toBe(key)
  })

  test('misses nothing that was written while the connection was away', async () => {
    const client = connect()
    const room = client.room(7)
    await until(() => room.get().epoch)
    server.says(ada, 7, 'one')
    await until(() => room.get().last_seq === 1)
    server.cut()
    server.says(ada, 7, 'two')
    server.resolves(ada, 7, 'resolved')
    server.says(ada, 7, 'three')
    await until(() => room.get().last_seq === 4)
    expect(texts(room)).toEqual(['one', 'two', 'three'])
    expect(room.get().status_changes).toMatchObject([{ seq: 3, status: 'resolved' }])
    await until(() => client.connection.get().status === 'online')
  })

  test('sends what was written meanwhile once and in order, also when acks are lost', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    let cuts = 0
    server.cutAfterStoring = (text) => text === 'b' && cuts++ === 0
    for (const text of ['a', 'b', 'c']) room.send(text)
    await until(() => room.get().messages.every((it) => it.seq !== null) && room.get().messages.length === 3)
    server.cut()
    for (const text of ['d', 'e']) room.send(text)
    await until(() => server.texts(7).length === 5)
    expect(server.texts(7)).toEqual(['a', 'b', 'c', 'd', 'e'])
    await until(() => room.get().messages.every((it) => it.state === 'sent'))
    expect(texts(room)).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('is asked about a refused message before the next ones go', async () => {
    const client = connect()
    const room = client.room(7)
    await until(() => room.get().epoch)
    server.judge = (text) => (text === 'bad' ? { code: 'too_long', retryable: false } : null)
    const key = room.send('bad')
    room.send('good')
    const refused = await until(() => room.get().messages.find((it) => it.key === key && it.state === 'failed'))
    expect(refused.error?.code).toBe('too_long')
    await new Promise((done) => setTimeout(done, 50))
    expect(server.texts(7)).toEqual([])
    expect(client.unsent()).toBe(2)
    room.discard(key)
    await until(() => server.texts(7).length === 1)
    expect(server.texts(7)).toEqual(['good'])
    await until(() => client.unsent() === 0)
  })

  test('has a refused message sent again under the same client id', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    server.judge = () => ({ code: 'too_long', retryable: false })
    const key = room.send('again')
    await until(() => room.get().messages[0]?.state === 'failed')
    server.judge = () => null
    room.retry(key)
    await until(() => room.get().messages[0]?.state === 'sent')
    expect(room.get().messages[0]?.key).toBe(key)
  })

  test('has a rate-limited message sent again after the time that the server named', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    let refusals = 0
    server.judge = () => (refusals++ === 0 ? { code: 'rate_limited', retryable: true, retry_after_ms: 150 } : null)
    const begun = Date.now()
    room.send('slowly')
    await until(() => room.get().rate_limited_until)
    await until(() => room.get().messages[0]?.state === 'sent')
    expect(Date.now() - begun).toBeGreaterThanOrEqual(140)
    expect(room.get().rate_limited_until).toBeNull()
  })

  test('is told that a message is not durable yet, and has it sent again', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    let refusals = 0
    server.judge = () => (refusals++ === 0 ? { code: 'not_durable', retryable: true, retry_after_ms: 50 } : null)
    room.send('on disk?')
    await until(() => room.get().not_durable)
    await until(() => room.get().messages[0]?.state === 'sent')
    expect(room.get().not_durable).toBe(false)
  })

  test('loads older pages in front', async () => {
    for (let n = 1; n <= 120; n++) server.says(ada, 7, `${n}`)
    const room = connect().room(7)
    await until(() => room.get().phase === 'ready')
    expect(room.get().messages).toHaveLength(50)
    expect(room.get().has_older).toBe(true)
    await room.loadOlder()
    await room.loadOlder()
    expect(texts(room)).toEqual(Array.from({ length: 120 }, (_, n) => `${n + 1}`))
    expect(room.get().has_older).toBe(false)
  })

  test('gets the newest page anew when history was rewritten', async () => {
    server.says(ada, 7, 'before')
    const room = connect().room(7)
    await until(() => room.get().epoch)
    server.epoch = 'e2'
    server.rooms.get(7)!.events.length = 0
    server.says(ada, 7, 'after')
    server.cut()
    await until(() => room.get().epoch === 'e2' && room.get().phase === 'ready')
    expect(texts(room)).toEqual(['after'])
  })

  test('gets the newest page after too much was missed, and all the rest by asking for older ones', async () => {
    server.says(ada, 7, 'seen')
    const room = connect().room(7)
    await until(() => room.get().epoch)
    // So long that the message is still waiting when the connection is back.
    server.judge = (text) =>
      text === 'unsent' ? { code: 'not_durable', retryable: true, retry_after_ms: 2_000 } : null
    room.send('unsent')
    await until(() => room.get().not_durable)
    server.send = () => {}
    server.cut()
    for (let n = 1; n <= 1_001; n++) server.says(ada, 7, `missed ${n}`)
    await until(() => room.get().last_seq === 1_002 && room.get().phase === 'ready')
    expect(texts(room)).toHaveLength(51)
    expect(texts(room).at(-1)).toBe('unsent')
    while (room.get().has_older) await room.loadOlder()
    const missed = Array.from({ length: 1_001 }, (_, n) => `missed ${n + 1}`)
    expect(texts(room)).toEqual(['seen', ...missed, 'unsent'])
    server.judge = () => null
    await until(() => room.get().messages.at(-1)?.state === 'sent')
    expect(server.texts(7).at(-1)).toBe('unsent')
  })

  test('keeps what was not sent when history was rewritten or the conversation is gone', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    server.judge = () => ({ code: 'not_durable', retryable: true, retry_after_ms: 1_000 })
    room.send('kept')
    await until(() => room.get().not_durable)
    server.epoch = 'e2'
    server.cut()
    await until(() => room.get().epoch === 'e2' && room.get().phase === 'ready')
    expect(texts(room)).toEqual(['kept'])
    server.rooms.delete(7)
    server.cut()
    await until(() => room.get().phase === 'gone' && room.get().messages[0]?.state === 'failed')
    expect(texts(room)).toEqual(['kept'])
  })

  test.each([
    ['rate_limited', true],
    ['not_durable', true],
    ['unavailable', true],
    ['internal', true],
    ['internal', false],
    ['unauthorized', false],
    ['a_code_of_tomorrow', true],
  ])('never has a message failed for what is said of the moment: %s', async (code, retryable) => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    const states = new Set<string | null | undefined>()
    room.subscribe(() => states.add(room.get().messages[0]?.state))
    let refusals = 0
    server.judge = () =>
      refusals++ < 2 ? { code: code as ErrorCode, retryable, ...(retryable ? { retry_after_ms: 20 } : {}) } : null
    const key = room.send('in the end')
    await until(() => room.get().messages[0]?.state === 'sent')
    expect(states).not.toContain('failed')
    expect(room.get().messages[0]?.key).toBe(key)
    expect(server.texts(7)).toEqual(['in the end'])
  })

  test('gets what lies in a gap', async () => {
    const room = connect().room(7)
    await until(() => room.get().epoch)
    const send = server.send
    server.send = () => {}
    server.says(ada, 7, 'lost on the way')
    server.send = send
    server.says(ada, 7, 'seen')
    await until(() => room.get().messages.length === 2)
    expect(texts(room)).toEqual(['lost on the way', 'seen'])
  })

  test('sees the line before the first unread message until leaving', async () => {
    const first = server.says(ada, 7, 'one')
    const second = server.says(ada, 7, 'two')
    const room = connect().room(7)
    await until(() => room.get().first_unread_seq === first.seq)
    room.read(second.id)
    await until(() => room.get().room?.unread_count === 0)
    expect(room.get().first_unread_seq).toBe(first.seq)
    room.markLeft()
    expect(room.get().first_unread_seq).toBeNull()
    const third = server.says(ada, 7, 'three')
    await until(() => room.get().first_unread_seq === third.seq)
  })

  test('tells that a message was read once, and never moves back', async () => {
    const first = server.says(ada, 7, 'one')
    const second = server.says(ada, 7, 'two')
    const room = connect().room(7)
    await until(() => room.get().epoch)
    room.read(second.id)
    room.read(first.id)
    room.read(second.id)
    await until(() => server.rooms.get(7)!.receipts.get(grace.id)?.read_seq === 2)
    await new Promise((done) => setTimeout(done, 30))
    const receipts = server.heard.filter(({ frame }) => frame.type === 'read_receipt')
    expect(receipts.map(({ frame }) => frame.message_id)).toEqual([second.id])
  })

  test('keeps the line where it is while the connection comes and goes, and has it anew on coming back', async () => {
    const first = server.says(ada, 7, 'one')
    const client = connect()
    const room = client.room(7)
    await until(() => room.get().first_unread_seq === first.seq)
    room.read(first.id)
    server.cut()
    await until(() => client.connection.get().status === 'reconnecting')
    await until(() => client.connection.get().status === 'online')
    expect(room.get().first_unread_seq).toBe(first.seq)
    room.markLeft()
    room.release()
    const second = server.says(ada, 7, 'two')
    await until(() => room.get().last_seq === 2)
    const back = client.room(7)
    expect(back.get().first_unread_seq).toBe(second.seq)
    expect(server.connects).toBe(2)
  })

  test('learns that a room is not theirs', async () => {
    const room = connect().room(8)
    await until(() => room.get().phase === 'gone')
  })

  test('sees the conversation at once after a reload, and what waits in it', async () => {
    server.says(ada, 7, 'Hello')
    const options = { account: 'reload' }
    const before = connect(grace, options)
    const room = before.room(7)
    await until(() => room.get().epoch)
    const { id } = room.get().room!
    await until(async () => (await (await openStorage('reload')).rooms()).length === 1)
    server.stop()
    await until(() => before.connection.get().status === 'reconnecting')
    room.send('Are you there?')
    before.close()
    const again = connect(grace, options)
    expect((await again.openRoom()).id).toBe(id)
    expect((await again.rooms()).map((it) => it.id)).toEqual([id])
    const after = again.room(7)
    await until(() => after.get().messages.length === 2)
    expect(after.get().phase).toBe('ready')
    expect(after.get().messages).toMatchObject([{ message: 'Hello' }, { message: 'Are you there?', state: 'queued' }])
  })
})

describe('a room that this tab does not follow any more', () => {
  test('has its messages sent over HTTP, again and again while they cannot be stored', async () => {
    const client = connectInbox()
    const room = client.room(7)
    await until(() => room.get().epoch)
    let refusals = 0
    server.judge = () => (refusals++ < 2 ? { code: 'not_durable', retryable: true, retry_after_ms: 1_200 } : null)
    room.send('in the end')
    await until(() => room.get().not_durable)
    room.release()
    await until(() => server.texts(7).length === 1, 8_000)
    expect(server.posts).toEqual(['in the end', 'in the end'])
    await until(() => client.unsent() === 0)
  })

  test('has a reply held back that does not know of the newest messages, and is named after a reload', async () => {
    const options = { account: 'stale' }
    const client = connectInbox(options)
    const room = client.room(7)
    await until(() => room.get().epoch)
    server.judge = () => ({ code: 'unavailable', retryable: true, retry_after_ms: 1_200 })
    room.send('too late', { if_last_seq: 0 })
    await until(() => server.heard.some(({ frame }) => frame.type === 'chat_message'))
    room.release()
    server.judge = () => null
    server.says(grace, 7, 'wait')
    await until(() => client.failedRooms.get().has(7))
    expect(server.texts(7)).toEqual(['wait'])
    client.close()

    const next = connectInbox(options)
    await until(() => next.failedRooms.get().has(7))
    const again = next.room(7)
    const refused = await until(() => again.get().messages.find((it) => it.state === 'failed'))
    expect(refused).toMatchObject({ message: 'too late', error: { code: 'stale' }, if_last_seq: 0 })
    again.retry(refused.key)
    await until(() => server.texts(7).length === 2)
    await until(() => next.failedRooms.get().size === 0)
  })
})

describe('the connection', () => {
  test('is signed out when the token is refused and no other is to be had', async () => {
    const client = connect()
    const room = client.room(7)
    await until(() => room.get().epoch)
    server.revoked.add('2')
    server.close(4401)
    await until(() => client.connection.get().status === 'signed_out')
  })

  test('goes on with a new token', async () => {
    let renewals = 0
    const client = connect(grace, { token: async (refused) => (refused === '2' ? `2.${++renewals}` : '2') })
    const room = client.room(7)
    await until(() => room.get().epoch)
    server.revoked.add('2')
    server.close(4401)
    await until(() => server.connects === 3 || (renewals > 0 && client.connection.get().status === 'online'))
    server.says(ada, 7, 'still here')
    await until(() => room.get().messages.length === 1)
  })

  test('says offline as soon as the browser does, and comes back with it', async () => {
    const client = connect()
    const room = client.room(7)
    await until(() => room.get().epoch)
    env.wake('offline')
    expect(client.connection.get().status).toBe('offline')
    const key = room.send('later')
    expect(room.get().messages.find((it) => it.key === key)?.state).toBe('queued')
    env.wake('online')
    await until(() => room.get().messages.find((it) => it.key === key)?.state === 'sent')
  })
})

describe('an admin', () => {
  test('follows rooms and the list over one connection', async () => {
    server.open(8)
    server.says(grace, 7, 'Help')
    const client = connectInbox()
    const inbox = client.inbox()
    const seven = client.room(7)
    const eight = client.room(8)
    await until(() => inbox.get().phase === 'ready' && seven.get().epoch && eight.get().epoch)
    expect(server.connects).toBe(1)
    server.says(grace, 7, 'Anybody?')
    await until(() => seven.get().messages.length === 2)
    await until(() => inbox.get().rooms.find((room) => room.id === 7)?.last_message?.message === 'Anybody?')
    expect(inbox.get().rooms[0]?.id).toBe(7)
    expect(inbox.get().last_arrival).toMatchObject({ room_id: 7, name: 'Grace', text: 'Anybody?' })
    seven.send('Here')
    eight.send('There')
    await until(() => server.texts(7).includes('Here') && server.texts(8).includes('There'))
    await until(() => eight.get().messages[0]?.state === 'sent')
    server.cut()
    server.says(grace, 8, 'Thanks')
    await until(() => eight.get().messages.length === 2)
    expect(server.connects).toBe(2)
  })

  test('sees who types, until the message is there', async () => {
    const client = connectInbox()
    const room = client.room(7)
    await until(() => room.get().epoch)
    const typist = connect().room(7)
    await until(() => typist.get().epoch)
    typist.typing(true)
    await until(() => room.get().typing.length === 1)
    typist.send('Hi')
    await until(() => room.get().typing.length === 0)
  })
})
