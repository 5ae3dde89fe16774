import 'fake-indexeddb/auto'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Delivery, Entry, Outcome } from '../src/entries'
import { createClientId } from '../src/ids'
import { createOutbox, type Outbox } from '../src/outbox'
import { noStorage, openStorage, type Storage } from '../src/storage'
import { FakeChannel, stubLocks } from './fakeBrowser'
import { until } from './fakeServer'

let accounts = 0
let account: string
const open: Outbox[] = []

/** What the "server" has, in order of arrival; the same client id counts once. */
let stored: { client_id: string; text: string }[]
let arrivals: string[]

beforeEach(() => {
  stubLocks()
  vi.stubGlobal('BroadcastChannel', FakeChannel)
  account = `outbox${++accounts}`
  stored = []
  arrivals = []
})

afterEach(() => {
  for (const outbox of open.splice(0)) outbox.close()
  vi.unstubAllGlobals()
})

type Deliver = (entry: Entry, delivery: Delivery) => Promise<Outcome>

const accept: Deliver = async (entry) => {
  arrivals.push(entry.text)
  await new Promise((done) => setTimeout(done, 2))
  if (!stored.some((it) => it.client_id === entry.client_id))
    stored.push({ client_id: entry.client_id, text: entry.text })
  const seq = stored.findIndex((it) => it.client_id === entry.client_id) + 1
  const { client_id, room_id, created_at } = entry
  return { type: 'stored', stored: { client_id, room_id, id: seq, seq, created_at } }
}

interface Tab extends Outbox {
  storedHere: string[]
}

interface Ways {
  storage?: Promise<Storage>
  ready?: (room_id: number) => boolean
}

function tab(deliver: Deliver = accept, { storage = openStorage(account), ready = () => true }: Ways = {}): Tab {
  const storedHere: string[] = []
  const outbox = createOutbox({
    account,
    storage,
    ready,
    deliver,
    onStored: (it) => storedHere.push(it.client_id),
    onChange: () => {},
    random: () => 0,
  })
  open.push(outbox)
  return Object.assign(outbox, { storedHere })
}

const texts = () => stored.map((it) => it.text)
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

describe('client ids', () => {
  test('are UUIDs of version 7 that sort in the order in which they were made', () => {
    const ids = Array.from({ length: 10_000 }, () => createClientId())
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect([...ids].sort()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
    expect(createClientId(0) > ids.at(-1)!).toBe(true)
  })
})

describe('the outbox', () => {
  test('sends one message of a room at a time, in the order in which they were written', async () => {
    let most = 0
    let now = 0
    const outbox = tab(async (entry, delivery) => {
      most = Math.max(most, ++now)
      const outcome = await accept(entry, delivery)!
      now--
      return outcome
    })
    for (const text of ['a', 'b', 'c', 'd']) outbox.add({ room_id: 1, text })
    await until(() => outbox.size() === 0 && stored.length === 4)
    expect(texts()).toEqual(['a', 'b', 'c', 'd'])
    expect(most).toBe(1)
  })

  test('lets no room wait for another', async () => {
    const outbox = tab(accept, { ready: (room_id) => room_id === 2 })
    outbox.add({ room_id: 1, text: 'waits' })
    outbox.add({ room_id: 2, text: 'goes' })
    await until(() => stored.length === 1)
    expect(texts()).toEqual(['goes'])
    expect(outbox.waiting(1)).toMatchObject([{ text: 'waits', state: 'queued' }])
  })

  test('keeps what was not sent over a reload', async () => {
    const before = tab(accept, { ready: () => false })
    for (const text of ['a', 'b']) before.add({ room_id: 1, text })
    await until(async () => (await (await openStorage(account)).entries()).length === 2)
    await pause(20)
    before.close()
    const after = tab()
    await until(() => stored.length === 2)
    expect(texts()).toEqual(['a', 'b'])
    await until(() => after.size() === 0)
    after.close()
    await pause(20)
    expect(await (await openStorage(account)).entries()).toEqual([])
  })

  test('sends the same client id again when it does not know what became of it', async () => {
    let lost = 2
    const outbox = tab(async (entry, delivery) => {
      const outcome = await accept(entry, delivery)!
      return lost-- > 0 ? { type: 'again', ms: 1 } : outcome
    })
    outbox.add({ room_id: 1, text: 'once' })
    await until(() => outbox.size() === 0)
    expect(texts()).toEqual(['once'])
    expect(arrivals).toHaveLength(3)
  })

  test('holds the rest of the room behind a refused message, over a reload too', async () => {
    const refuse: Deliver = (entry, delivery) =>
      entry.text === 'bad'
        ? Promise.resolve({ type: 'refused', refusal: { code: 'too_long', message: '' } })
        : accept(entry, delivery)
    const before = tab(refuse)
    const bad = before.add({ room_id: 1, text: 'bad' })
    before.add({ room_id: 1, text: 'good' })
    await until(() => before.waiting(1)[0]?.state === 'failed')
    await pause(30)
    before.close()
    const after = tab(refuse)
    await until(() => after.size() === 2)
    await pause(30)
    expect(stored).toEqual([])
    after.discard(bad)
    await until(() => stored.length === 1)
    expect(texts()).toEqual(['good'])
  })

  test('gives a new id to a message whose own was used up, and keeps its place', async () => {
    let reused = true
    const outbox = tab((entry, delivery) =>
      reused
        ? Promise.resolve({ type: 'refused', refusal: { code: 'client_id_reused', message: '' } })
        : accept(entry, delivery),
    )
    const first = outbox.add({ room_id: 1, text: 'a' })
    outbox.add({ room_id: 1, text: 'b' })
    await until(() => outbox.waiting(1)[0]?.state === 'failed')
    reused = false
    outbox.retry(first)
    await until(() => stored.length === 2)
    expect(texts()).toEqual(['a', 'b'])
    expect(stored[0]?.client_id).not.toBe(first)
  })

  test('stops an upload, keeps it, and sends it again when asked', async () => {
    let begun = 0
    const outbox = tab(
      (entry, delivery) => {
        if (begun++ > 0) return accept(entry, delivery)
        delivery.onProgress(3)
        return new Promise((done) => delivery.signal.addEventListener('abort', () => done({ type: 'again', ms: 0 })))
      },
      { storage: Promise.resolve(noStorage) },
    )
    const file = new File(['hello'], 'hello.txt', { type: 'text/plain' })
    const key = outbox.add({ room_id: 1, text: '', files: [file] })
    await until(() => outbox.waiting(1)[0]?.uploads[0]?.state === 'uploading')
    outbox.stop(key)
    expect(outbox.waiting(1)[0]).toMatchObject({ state: 'failed', uploads: [{ name: 'hello.txt', state: 'stopped' }] })
    await pause(20)
    expect(begun).toBe(1)
    outbox.retry(key)
    await until(() => outbox.size() === 0)
    expect(stored).toHaveLength(1)
  })

  test('works in memory where there is no storage', async () => {
    const outbox = tab(accept, { storage: Promise.resolve(noStorage) })
    outbox.add({ room_id: 1, text: 'a' })
    await until(() => outbox.size() === 0)
    expect(texts()).toEqual(['a'])
  })

  test('still sends what storage refuses to keep', async () => {
    const full = { ...noStorage, shared: true }
    const outbox = tab(accept, { storage: Promise.resolve(full) })
    outbox.add({ room_id: 1, text: 'a' })
    await until(() => outbox.size() === 0)
    expect(texts()).toEqual(['a'])
  })
})

describe('the outbox and the clock', () => {
  afterEach(() => vi.restoreAllMocks())

  test('keeps the order when the clock is set back between two loads of the page', async () => {
    const before = tab(accept, { ready: () => false })
    for (const text of ['a', 'b']) before.add({ room_id: 1, text })
    await until(async () => (await (await openStorage(account)).entries()).length === 2)
    before.close()
    vi.resetModules()
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 86_400_000)
    // A page that was just loaded has not made an id yet.
    const { createOutbox: createFresh } = await import('../src/outbox')
    const fresh = createFresh({
      account,
      storage: openStorage(account),
      ready: () => true,
      deliver: accept,
      onStored: () => {},
      onChange: () => {},
      random: () => 0,
    })
    open.push(fresh)
    fresh.add({ room_id: 1, text: 'c' })
    await until(() => stored.length === 1)
    fresh.add({ room_id: 1, text: 'd' })
    await until(() => stored.length === 4)
    expect(texts()).toEqual(['a', 'b', 'c', 'd'])
  })
})

describe('what storage does not take', () => {
  test('is said to live as long as the page', async () => {
    const outbox = tab(accept, { storage: Promise.resolve(noStorage), ready: () => false })
    outbox.add({ room_id: 1, text: 'only here' })
    await until(() => outbox.waiting(1)[0]?.unkept)
  })

  test('is sent by the next outbox of the account on this page', async () => {
    const before = tab(accept, { storage: Promise.resolve(noStorage), ready: () => false })
    for (const text of ['a', 'b']) before.add({ room_id: 1, text })
    await pause(10)
    before.close()
    tab(accept, { storage: Promise.resolve(noStorage) })
    await until(() => stored.length === 2)
    expect(texts()).toEqual(['a', 'b'])
  })

  test('is sent by its own tab, although another one leads', async () => {
    const leader = tab()
    await pause(20)
    const real = await openStorage(account)
    const full = { ...real, putEntry: () => Promise.reject(new Error('quota')) }
    const other = tab(accept, { storage: Promise.resolve(full) })
    other.add({ room_id: 1, text: 'too large to keep' })
    await until(() => stored.length === 1)
    expect(leader.size()).toBe(0)
  })
})

describe('two tabs of one account', () => {
  test('send each message once, whichever it was written in, and show the same', async () => {
    const [here, there] = [tab(), tab()]
    const expected = []
    for (let n = 0; n < 6; n++) {
      const outbox = n % 2 ? here : there
      expected.push(outbox.add({ room_id: 1, text: `${n}` }))
    }
    await until(() => stored.length === 6 && here.size() === 0 && there.size() === 0)
    expect(new Set(texts()).size).toBe(6)
    expect(arrivals).toHaveLength(6)
    expect(new Set(here.storedHere)).toEqual(new Set(expected))
    expect(new Set(there.storedHere)).toEqual(new Set(expected))
  })

  test('see what waits and what was refused in either of them', async () => {
    const refuse: Deliver = async () => ({ type: 'refused', refusal: { code: 'empty', message: '' } })
    const leader = tab(refuse)
    await pause(20)
    const other = tab(refuse)
    const key = other.add({ room_id: 1, text: ' ' })
    await until(() => leader.waiting(1)[0]?.state === 'failed')
    await until(() => other.waiting(1)[0]?.state === 'failed')
    other.discard(key)
    await until(() => leader.size() === 0)
  })

  test('lose nothing when the tab that sends is closed', async () => {
    const leader = tab(() => new Promise(() => {}))
    await pause(20)
    const other = tab()
    leader.add({ room_id: 1, text: 'from the closed one' })
    other.add({ room_id: 1, text: 'from the other' })
    await until(() => other.size() === 2)
    expect(stored).toEqual([])
    leader.close()
    await until(() => stored.length === 2)
    expect(texts()).toEqual(['from the closed one', 'from the other'])
  })

  test('take over from a tab that is frozen, and nothing is doubled when it goes on', async () => {
    let thaw = () => {}
    const thawed = new Promise<void>((done) => {
      thaw = done
    })
    const leader = tab(async (entry, delivery) => {
      const outcome = await accept(entry, delivery)
      await thawed
      return outcome
    })
    leader.add({ room_id: 1, text: 'a' })
    await until(() => stored.length === 1)
    const [channel] = FakeChannel.all
    channel!.frozen = true
    const other = tab()
    for (const text of ['b', 'c']) other.add({ room_id: 1, text })
    const begun = performance.now()
    await until(() => stored.length === 3)
    expect(performance.now() - begun).toBeLessThan(2_000)
    channel!.thaw()
    thaw()
    await until(() => other.size() === 0 && leader.size() === 0)
    leader.add({ room_id: 1, text: 'd' })
    await until(() => stored.length === 4)
    expect(texts()).toEqual(['a', 'b', 'c', 'd'])
  })

  test('take over from a tab that has no way to the server', async () => {
    tab(accept, { ready: () => false })
    await pause(20)
    tab().add({ room_id: 1, text: 'goes by the other tab' })
    await until(() => stored.length === 1)
  })

  test('leave the lead where it is while the tab that has it answers', async () => {
    let there = 0
    const leader = tab(
      (entry, delivery) => new Promise((done) => setTimeout(() => done(accept(entry, delivery)), 1_500)),
    )
    await pause(20)
    const other = tab((entry, delivery) => {
      there++
      return accept(entry, delivery)
    })
    other.add({ room_id: 1, text: 'slow' })
    await until(() => stored.length === 1)
    await until(() => other.size() === 0 && leader.size() === 0)
    expect(there).toBe(0)
  })
})
