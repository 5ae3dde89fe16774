import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type ChatFrame, type ChatWebSocket, createChatWebSocket } from '../src/chatWebSocket'
import { ada, createEnv, type FakeEnv, type FakeServer, grace, startServer, until } from './fakeServer'

let server: FakeServer
let env: FakeEnv
let chat: ChatWebSocket
let frames: ChatFrame[]
/** While false, nothing gets through. */
let networkIsUp = true

beforeEach(async () => {
  networkIsUp = true
  server = await startServer()
  server.open(7)
  server.open(8)
  env = createEnv((url) => new WebSocket(networkIsUp ? url : 'ws://127.0.0.1:9'))
  chat = createChatWebSocket(env)
  chat.configure({ url: server.url, token: String(grace.id) })
  frames = []
  chat.onMessage((data) => frames.push(data))
})

afterEach(async () => {
  chat.disconnect()
  await server.stop()
  vi.unstubAllGlobals()
})

const said = () => frames.flatMap((data) => (data.type === 'chat_message' ? data.message : []))
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

async function connected(room_id: number): Promise<void> {
  chat.connect(room_id)
  await until(() => chat.connected)
}

describe('code written for the origin', () => {
  test('sends and hears messages as it always did', async () => {
    await connected(7)
    chat.sendMessage('Hi')
    await until(() => said().includes('Hi'))
    server.says(ada, 7, 'Hello')
    await until(() => said().includes('Hello'))
    expect(frames.at(-1)).toMatchObject({ type: 'chat_message', message: 'Hello', sender: ada, room_id: 7 })
  })

  test('meets no frame that the origin did not have', async () => {
    await connected(7)
    chat.sendMessage('Hi')
    server.resolves(ada, 7, 'resolved')
    server.send(7, { type: 'support_status', online: true })
    server.send(7, { type: 'heartbeat', last_seq: 1 })
    const message = server.says(ada, 7, 'Bye')
    chat.sendReadReceipt(message.id)
    await until(() => frames.some((data) => data.type === 'read_receipt'))
    const origin = ['chat_message', 'typing', 'read_receipt', 'user_status', 'error']
    expect(frames.filter((data) => !origin.includes(data.type))).toEqual([])
  })

  test('shares one connection between all who ask for a room', async () => {
    await connected(7)
    chat.connect(7)
    chat.connect('7')
    await pause(50)
    expect(server.connects).toBe(1)
  })

  test('sends to the room connected last and hears all of them', async () => {
    await connected(7)
    await connected(8)
    chat.sendMessage('to eight')
    await until(() => server.texts(8).length === 1)
    server.says(ada, 7, 'in seven')
    await until(() => said().includes('in seven'))
    chat.connect(7)
    chat.sendMessage('to seven')
    await until(() => server.texts(7).includes('to seven'))
    expect(server.connects).toBe(2)
  })

  test('closes every room at once', async () => {
    await connected(7)
    await connected(8)
    chat.disconnect()
    server.says(ada, 7, 'nobody hears')
    await pause(50)
    expect(said()).toEqual([])
    expect(chat.connected).toBe(false)
  })

  test('stops hearing when it unsubscribes', async () => {
    await connected(7)
    const heard: string[] = []
    const stop = chat.onMessage((data) => heard.push(data.type))
    stop()
    server.says(ada, 7, 'Hello')
    await until(() => said().includes('Hello'))
    expect(heard).toEqual([])
  })

  test('takes its token from where the origin kept it', async () => {
    vi.stubGlobal('localStorage', { getItem: (key: string) => (key === 'access_token' ? '1' : null) })
    const other = createChatWebSocket(env)
    other.configure({ url: server.url })
    other.connect(7)
    other.sendMessage('as Ada')
    await until(() => server.rooms.get(7)!.events.length === 1)
    expect(server.rooms.get(7)!.events[0]).toMatchObject({ message: { sender: ada } })
    other.disconnect()
  })

  test('hears why a message was refused, and goes on with the next', async () => {
    await connected(7)
    server.judge = (text) => (text === 'bad' ? { code: 'too_long', retryable: false } : null)
    chat.sendMessage('bad')
    chat.sendMessage('good')
    await until(() => server.texts(7).includes('good'))
    expect(frames[0]).toMatchObject({ type: 'error', code: 'too_long' })
  })
})

describe('when the connection drops', () => {
  test('what was written meanwhile is sent in order once it is back', async () => {
    chat.sendMessage('before any room')
    await connected(7)
    await until(() => server.texts(7).length === 1)
    networkIsUp = false
    server.cut()
    await until(() => !chat.connected)
    for (const text of ['a', 'b', 'c']) chat.sendMessage(text)
    networkIsUp = true
    await until(() => server.texts(7).length === 4)
    expect(server.texts(7)).toEqual(['before any room', 'a', 'b', 'c'])
    await until(() => said().length === 4)
  })

  test('nothing is handed over twice or missed', async () => {
    await connected(7)
    const expected: string[] = []
    let cuts = 0
    server.cutAfterStoring = (text) => Number(text) % 4 === 3 && cuts++ < 5
    for (let n = 0; n < 20; n++) {
      expected.push(`${n}`)
      if (n % 2) server.says(ada, 7, `${n}`)
      else chat.sendMessage(`${n}`)
      await until(() => server.texts(7).length === n + 1, 10_000)
    }
    await until(() => said().length >= 20)
    await pause(50)
    expect(said()).toEqual(expected)
    expect(cuts).toBe(5)
  }, 20_000)

  test('a message whose ack was lost is stored once', async () => {
    await connected(7)
    let cuts = 0
    server.cutAfterStoring = () => cuts++ === 0
    chat.sendMessage('once')
    await until(() => said().length === 1)
    await pause(100)
    expect(server.texts(7)).toEqual(['once'])
    expect(said()).toEqual(['once'])
  })

  test('what was too much for the connection comes over HTTP', async () => {
    await connected(7)
    server.says(ada, 7, 'first')
    await until(() => said().length === 1)
    networkIsUp = false
    server.cut()
    await until(() => !chat.connected)
    for (let n = 0; n < 450; n++) server.says(ada, 7, `${n}`)
    server.resumesMax = 100
    networkIsUp = true
    await until(() => said().length === 451)
    server.says(ada, 7, 'live')
    await until(() => said().length === 452)
    expect(said()).toEqual(['first', ...Array.from({ length: 450 }, (_, n) => `${n}`), 'live'])
  })

  test('five failed attempts are told, and more follow', async () => {
    const heard: string[] = []
    chat.on('reconnect_failed', () => heard.push('failed'))
    networkIsUp = false
    chat.connect(7)
    await until(() => heard.length === 1, 10_000)
    expect(frames).toEqual([{ type: 'reconnect_failed' }])
    networkIsUp = true
    env.wake('online')
    await until(() => chat.connected)
  }, 15_000)
})

describe('code written for socket.io', () => {
  test('finds the usual names', async () => {
    const heard: [string, unknown][] = []
    const names = ['connect', 'disconnect', 'new_message', 'receive_message', 'message', 'typing', 'stop_typing']
    for (const name of [...names, 'messages_read', 'user_online', 'user_offline'])
      chat.on(name, (data) => heard.push([name, data]))
    const last = () => heard.map(([name]) => name)
    chat.emit('join_room', { room_id: 7 })
    await until(() => last().includes('connect'))
    chat.emit('send_message', { message: 'Hi' })
    await until(() => server.texts(7).includes('Hi'))
    await until(() => last().includes('receive_message'))
    expect(last().filter((name) => name.endsWith('message'))).toEqual(['message', 'new_message', 'receive_message'])
    server.send(7, { type: 'typing', room_id: 7, user_id: 1, name: 'Ada', is_typing: true })
    server.send(7, { type: 'typing', room_id: 7, user_id: 1, name: 'Ada', is_typing: false })
    const status = { type: 'user_status', room_id: 7, user_id: 1, role: 'admin' } as const
    server.send(7, { ...status, status: 'online', last_seen: null })
    server.send(7, { ...status, status: 'offline', last_seen: '2026-01-01T00:00:00.000Z' })
    await until(() => last().includes('user_offline'))
    expect(last().slice(-5)).toEqual(['typing', 'typing', 'stop_typing', 'user_online', 'user_offline'])
    const message = server.says(ada, 7, 'Hello')
    chat.emit('mark_read', { message_id: message.id })
    await until(() => last().includes('messages_read'))
    chat.emit('typing').emit('typing', { is_typing: false }).emit('stop_typing')
    await until(() => server.heard.filter(({ frame }) => frame.type === 'typing').length === 3)
    const typed = server.heard.flatMap(({ frame }) => (frame.type === 'typing' ? frame.is_typing : []))
    expect(typed).toEqual([true, false, false])
    chat.emit('leave_room', 7)
    await until(() => last().includes('disconnect'))
  })

  test('is told of every new attempt', async () => {
    const heard: string[] = []
    for (const name of ['connect', 'disconnect', 'connect_error', 'reconnect_attempt', 'reconnect'])
      chat.on(name, () => heard.push(name))
    await connected(7)
    networkIsUp = false
    server.cut()
    await until(() => heard.includes('connect_error'))
    networkIsUp = true
    await until(() => heard.includes('reconnect'))
    expect(heard[0]).toBe('connect')
    expect(heard.slice(0, 4)).toEqual(['connect', 'disconnect', 'reconnect_attempt', 'connect_error'])
    expect(heard.slice(-2)).toEqual(['connect', 'reconnect'])
  })

  test('stops hearing what it took off', async () => {
    let heard = 0
    const listener = () => heard++
    chat.on('new_message', listener).off('new_message', listener)
    await connected(7)
    server.says(ada, 7, 'Hello')
    await until(() => said().length === 1)
    expect(heard).toBe(0)
  })
})
