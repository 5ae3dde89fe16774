import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Bell, createBell } from '../src/notify/leader'

/** The browser's lock, as far as it is used: one holder, the others wait in line. */
function lockManager() {
  const line: (() => Promise<void> | undefined)[] = []
  let held = false
  const next = () => {
    const run = held ? undefined : line.shift()
    if (!run) return
    held = true
    void Promise.resolve(run()).then(() => {
      held = false
      next()
    })
  }
  return {
    request(_name: string, _options: object, run: () => Promise<void> | undefined) {
      line.push(run)
      next()
      return Promise.resolve()
    },
  }
}

/** One channel for all "tabs" of the test, delivering at once. */
class Channel {
  static all = new Set<Channel>()
  onmessage: ((event: { data: number }) => void) | null = null
  constructor() {
    Channel.all.add(this)
  }
  postMessage(data: number) {
    for (const other of Channel.all) if (other !== this) other.onmessage?.({ data })
  }
  close() {
    Channel.all.delete(this)
  }
}

const tabs: Bell[] = []

function tab() {
  const ring = vi.fn()
  const bell = createBell(ring)
  tabs.push(bell)
  return { bell, ring }
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('navigator', { locks: lockManager() })
  vi.stubGlobal('BroadcastChannel', Channel)
})
afterEach(() => {
  for (const bell of tabs.splice(0)) bell.close()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('of two tabs one rings', () => {
  const first = tab()
  const second = tab()
  for (const { bell } of [first, second]) bell.arrived(5, false)
  vi.advanceTimersByTime(1000)
  expect(first.ring).toHaveBeenCalledTimes(1)
  expect(second.ring).not.toHaveBeenCalled()
})

test('nothing rings for a message that another tab shows, whichever hears of it first', () => {
  const leader = tab()
  const reader = tab()
  leader.bell.arrived(5, false)
  reader.bell.arrived(5, true)
  reader.bell.arrived(6, true)
  leader.bell.arrived(6, false)
  vi.advanceTimersByTime(1000)
  expect(leader.ring).not.toHaveBeenCalled()
})

test('when the leading tab goes another one rings', async () => {
  const first = tab()
  const second = tab()
  first.bell.close()
  await vi.advanceTimersByTimeAsync(0)
  second.bell.arrived(7, false)
  vi.advanceTimersByTime(1000)
  expect(second.ring).toHaveBeenCalledTimes(1)
})

test('a tab that was closed while it waited does not keep the others silent', async () => {
  const first = tab()
  const second = tab()
  const third = tab()
  second.bell.close()
  first.bell.close()
  await vi.advanceTimersByTimeAsync(0)
  third.bell.arrived(8, false)
  vi.advanceTimersByTime(1000)
  expect(third.ring).toHaveBeenCalledTimes(1)
})
