import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiError } from '../src/api'
import type { SocketLike } from '../src/env'
import type { ServerFrame } from '../src/protocol.gen'
import { createSocket, type Socket, type SocketOptions } from '../src/socket'
import { createEnv, type FakeEnv, grace } from './fakeServer'

interface Wire extends SocketLike {
  url: string
  sent: Record<string, unknown>[]
  says(frame: ServerFrame): void
  drops(code: number): void
}

let wires: Wire[]
let env: FakeEnv
let token: SocketOptions['token']
let socket: Socket
let downs: number
let gone: number

const ready: ServerFrame = {
  type: 'ready',
  protocol: 1,
  epoch: 'e',
  user: grace,
  version: '1',
  summary: { rooms: 0, rooms_unread: 0, unread: 0, open: 0, resolved: 0 },
  resume: 'none',
  heartbeat_ms: 20_000,
}

beforeEach(() => {
  vi.useFakeTimers()
  wires = []
  downs = 0
  gone = 0
  env = createEnv((url) => wireTo(url))
  token = async () => 't1'
})

afterEach(() => {
  socket.close()
  vi.useRealTimers()
})

function wireTo(url: string): Wire {
  const wire: Wire = {
    url,
    readyState: 1,
    sent: [],
    onopen: null,
    onmessage: null,
    onclose: null,
    onerror: null,
    send: (data) => void wire.sent.push(JSON.parse(data)),
    close: () => {},
    says: (frame) => wire.onmessage?.({ data: JSON.stringify(frame) }),
    drops: (code) => wire.onclose?.({ code }),
  }
  wires.push(wire)
  return wire
}

async function start(): Promise<void> {
  socket = createSocket({
    url: (bearer) => `ws://desk.test/?token=${bearer}`,
    token: (refused) => token(refused),
    onFrame: () => {},
    onDown: () => downs++,
    onGone: () => gone++,
    env,
  })
  await pass(0)
}

async function online(): Promise<void> {
  await start()
  wire().says(ready)
  await pass(5_000)
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)
const wire = () => wires.at(-1)!
const status = () => socket.state.get().status

describe('a connection', () => {
  test('is online once the server has said ready', async () => {
    await start()
    expect(status()).toBe('connecting')
    wire().says(ready)
    expect(socket.state.get()).toMatchObject({ status: 'online', attempt: 0, retryAt: null })
  })

  test('tries again for ever, ever more slowly, to 30 seconds', async () => {
    await start()
    const waits: number[] = []
    for (let n = 0; n < 12; n++) {
      wire().drops(1006)
      waits.push(socket.state.get().retryAt! - Date.now())
      expect(socket.state.get()).toMatchObject({ status: 'reconnecting', attempt: n + 1 })
      await pass(waits[n]!)
      expect(wires).toHaveLength(n + 2)
    }
    expect(waits).toEqual([125, 250, 500, 1000, 2000, 4000, 8000, 15000, 15000, 15000, 15000, 15000])
  })

  test('spreads its attempts over twice that time', async () => {
    env.random = () => 1
    await start()
    wire().drops(1006)
    expect(socket.state.get().retryAt! - Date.now()).toBe(250)
  })

  test('gives up an attempt that is not answered', async () => {
    await start()
    await pass(10_000)
    expect(status()).toBe('reconnecting')
    await pass(200)
    expect(wires).toHaveLength(2)
  })

  test('notices by the missing heartbeat that nobody is there any more', async () => {
    await online()
    wire().says({ type: 'heartbeat', last_seq: 0 })
    await pass(29_900)
    expect(status()).toBe('online')
    await pass(200)
    expect(status()).toBe('reconnecting')
    expect(downs).toBe(1)
  })

  test('lives as long as anything is heard', async () => {
    await online()
    for (let n = 0; n < 10; n++) {
      await pass(20_000)
      wire().says({ type: 'heartbeat', last_seq: 0 })
    }
    expect(status()).toBe('online')
    expect(wires).toHaveLength(1)
  })

  test('stays away as long as the leaving server asked for', async () => {
    await online()
    wire().says({ type: 'reconnect', after_ms: 1_730 })
    wire().drops(1012)
    await pass(1_700)
    expect(wires).toHaveLength(1)
    await pass(40)
    expect(wires).toHaveLength(2)
  })

  test.each([1001, 1006, 1012, 1013, 4408, 4429])('comes back after %i', async (code) => {
    await online()
    wire().drops(code)
    expect(status()).toBe('reconnecting')
    await pass(30_000)
    expect(wires.length).toBeGreaterThan(1)
  })

  test.each([4403, 4404])('is over for good after %i', async (code) => {
    await online()
    wire().drops(code)
    await pass(60_000)
    expect(gone).toBe(1)
    expect(wires).toHaveLength(1)
  })

  test('does not hammer a server that lets it in and throws it out', async () => {
    await start()
    for (let n = 0; n < 6; n++) {
      wire().says(ready)
      wire().drops(1006)
      await pass(500)
    }
    wire().says(ready)
    wire().drops(1006)
    expect(socket.state.get().retryAt! - Date.now()).toBe(500)
  })
})

describe('waking up', () => {
  test.each(['online', 'awake'] as const)('tries at once when %s', async (reason) => {
    await start()
    for (let n = 0; n < 10; n++) {
      wire().drops(1006)
      await pass(n < 9 ? 30_000 : 0)
    }
    const before = wires.length
    env.wake(reason)
    await pass(0)
    expect(wires).toHaveLength(before + 1)
  })

  test('leaves an attempt alone that is under way', async () => {
    await start()
    env.wake('awake')
    socket.retryNow()
    await pass(0)
    expect(wires).toHaveLength(1)
  })

  test('asks a connection whether it lives, and believes an answer', async () => {
    await online()
    env.wake('awake')
    expect(wire().sent).toEqual([{ type: 'ping' }])
    await pass(1_000)
    wire().says({ type: 'pong' })
    await pass(10_000)
    expect(wires).toHaveLength(1)
  })

  test('gives up a connection that does not answer', async () => {
    await online()
    env.wake('awake')
    await pass(5_100)
    expect(wires).toHaveLength(2)
  })

  test('gives up at once a connection that has slept past its heartbeats', async () => {
    await online()
    vi.setSystemTime(Date.now() + 3_600_000)
    env.wake('awake')
    await pass(0)
    expect(wires).toHaveLength(2)
  })

  test('says offline at once and keeps an eye on it', async () => {
    await online()
    env.wake('offline')
    expect(status()).toBe('offline')
    expect(downs).toBe(1)
    await pass(5_000)
    expect(wires).toHaveLength(2)
    env.wake('online')
    await pass(0)
    wire().says(ready)
    expect(status()).toBe('online')
  })
})

describe('tokens', () => {
  test('a refused one is replaced once', async () => {
    token = async (refused) => (refused === 't1' ? 't2' : 't1')
    await start()
    wire().drops(4401)
    await pass(0)
    expect(wires.map((it) => it.url)).toEqual(['ws://desk.test/?token=t1', 'ws://desk.test/?token=t2'])
    wire().drops(4401)
    await pass(60_000)
    expect(status()).toBe('signed_out')
    expect(wires).toHaveLength(2)
  })

  test('a refused one that cannot be replaced ends it', async () => {
    await online()
    wire().drops(4401)
    await pass(0)
    expect(status()).toBe('signed_out')
    token = async () => 't2'
    socket.retryNow()
    await pass(0)
    wire().says(ready)
    expect(status()).toBe('online')
  })

  test('a session that has ended ends it; a network that has gone does not', async () => {
    token = () => Promise.reject(apiError(0, 'network', ''))
    await start()
    expect(status()).toBe('reconnecting')
    token = () => Promise.reject(apiError(401, 'unauthorized', ''))
    await pass(1_000)
    expect(status()).toBe('signed_out')
  })

  test('are renewed in place before they expire', async () => {
    await online()
    token = async (refused) => (refused === 't1' ? 't2' : 't1')
    wire().says({ type: 'token_expiring', expires_at: '2026-01-01T00:15:00.000Z' })
    await pass(0)
    expect(wire().sent).toEqual([{ type: 'auth', token: 't2' }])
    expect(wires).toHaveLength(1)
  })
})
