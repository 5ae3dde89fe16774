/** Whatever happens to tabs, clocks and the way to the server: what was written is stored once, in order, and never lost. */
import fc from 'fast-check'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { Entry, Outcome } from '../src/entries'
import type * as OutboxModule from '../src/outbox'
import type { Storage } from '../src/storage'
import { FakeChannel, stubLocks } from './fakeBrowser'

/** More by hand: `PROPERTY_RUNS=20000 npx vitest run property`. */
const numRuns = Number(process.env.PROPERTY_RUNS ?? 500)
const tabsMax = 3
const roomIds = [1, 2]
const hourMs = 3_600_000

/** What becomes of a delivery. `lost…`: stored, and nobody is told so. `lost`: not even stored. */
const fates = ['ok', 'ok', 'ok', 'lostAck', 'lostConnection', 'lost', 'network', 'notDurable', 'rateLimited'] as const
type Fate = (typeof fates)[number]

type Step =
  /** `reload`: the page was loaded anew just before, and has not read storage yet. */
  | { do: 'write'; tab: number; room: number; bad: boolean; reload: boolean }
  | { do: 'open' | 'close' | 'freeze' | 'thaw' | 'connect' | 'disconnect'; tab: number }
  | { do: 'clock'; hours: number }
  | { do: 'wait'; ms: number }

const tabIndex = fc.nat({ max: tabsMax - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      tab: tabIndex,
      room: fc.constantFrom(...roomIds),
      bad: fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0),
      reload: fc.integer({ min: 0, max: 5 }).map((roll) => roll === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom(...(['open', 'close', 'freeze', 'thaw', 'connect', 'disconnect'] as const)),
      tab: tabIndex,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clock' as const), hours: fc.constantFrom(-25, -1, 1, 25) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(5, 300, 1_500, 6_000) }) },
)

/** Each tab of a browser loads the code anew, and with it forgets which ids it made. */
let modules: (typeof OutboxModule)[]
let runs = 0

beforeAll(async () => {
  modules = []
  for (let n = 0; n < 40; n++) {
    vi.resetModules()
    modules.push(await import('../src/outbox'))
  }
})

beforeEach(() => {
  stubLocks()
  vi.stubGlobal('BroadcastChannel', FakeChannel)
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

class Browser {
  readonly disk = new Map<string, Entry>()
  readonly written = new Map<number, string[]>(roomIds.map((id) => [id, []]))
  readonly arrived = new Map<number, { client_id: string; text: string }[]>(roomIds.map((id) => [id, []]))
  readonly tabs: (Tab | null)[] = []
  private loads = 0

  constructor(
    readonly account: string,
    private readonly fate: () => Fate,
  ) {}

  open(index: number): void {
    this.tabs[index] ??= new Tab(this, modules[this.loads++ % modules.length]!)
  }

  close(index: number): void {
    this.tabs[index]?.close()
    this.tabs[index] = null
  }

  /** Stores as the server does: the first use of a client id stands. */
  store({ room_id, client_id, text, created_at }: Entry): Outcome {
    const all = this.arrived.get(room_id)!
    if (!all.some((it) => it.client_id === client_id)) all.push({ client_id, text })
    const seq = all.findIndex((it) => it.client_id === client_id) + 1
    return { type: 'stored', stored: { client_id, room_id, id: room_id * 1_000 + seq, seq, created_at } }
  }

  async answer(entry: Entry, waitForLoss: Promise<Outcome>): Promise<Outcome> {
    await later(25)
    if (isBad(entry.text)) return { type: 'refused', refusal: { code: 'too_long', message: '' } }
    const fate = this.fate()
    if (fate === 'network') return { type: 'again' }
    if (fate === 'lost') return waitForLoss
    if (fate === 'rateLimited') return { type: 'again', code: 'rate_limited', ms: 700 }
    const outcome = this.store(entry)
    if (fate === 'notDurable') return { type: 'again', code: 'not_durable', ms: 400 }
    if (fate === 'lostConnection') return waitForLoss
    if (fate === 'lostAck') return later(10_000).then(() => ({ type: 'again', ms: 0 }))
    await later(25)
    return outcome
  }
}

const later = (ms: number) => new Promise<void>((done) => setTimeout(done, ms))
const isBad = (text: string) => text.endsWith('!')

class Tab {
  readonly outbox: OutboxModule.Outbox
  private online = true
  private readonly losses = new Set<() => void>()
  private channel: FakeChannel | null = null
  private asleep: { until: Promise<void>; wake: () => void } | null = null

  constructor(
    private readonly browser: Browser,
    { createOutbox }: typeof OutboxModule,
  ) {
    const before = new Set(FakeChannel.all)
    this.outbox = createOutbox({
      account: browser.account,
      storage: Promise.resolve(this.storage()),
      ready: () => this.online && !this.asleep,
      deliver: (entry) => this.deliver(entry),
      onStored: () => {},
      onChange: () => {},
      random: () => 0.5,
    })
    void Promise.resolve().then(() => {
      this.channel = FakeChannel.all.find((it) => !before.has(it)) ?? null
    })
  }

  private async deliver(entry: Entry): Promise<Outcome> {
    const lost = new Promise<Outcome>((done) => {
      this.losses.add(() => done({ type: 'wait' }))
    })
    const outcome = await Promise.race([this.browser.answer(entry, lost), lost])
    await this.asleep?.until
    return outcome
  }

  /** Takes a moment, and answers a frozen tab later; what was begun is done all the same. */
  private storage(): Storage {
    const { disk } = this.browser
    const soon = async <T>(value: T): Promise<T> => {
      await later(1)
      await this.asleep?.until
      return value
    }
    return {
      shared: true,
      entries: () =>
        soon([...disk.values()].map((it) => structuredClone(it)).sort((a, b) => (a.order < b.order ? -1 : 1))),
      putEntry: (entry) => soon(void disk.set(entry.order, structuredClone(entry))),
      deleteEntry: (order) => soon(void disk.delete(order)),
      room: () => soon(undefined),
      rooms: () => soon([]),
      putRoom: () => soon(undefined),
      clear: () => soon(disk.clear()),
      close() {},
    }
  }

  get isAwake(): boolean {
    return this.asleep === null
  }

  freeze(): void {
    if (this.asleep) return
    let wake = () => {}
    const until = new Promise<void>((done) => {
      wake = done
    })
    this.asleep = { until, wake }
    if (this.channel) this.channel.frozen = true
  }

  thaw(): void {
    const { asleep } = this
    this.asleep = null
    asleep?.wake()
    this.channel?.thaw()
  }

  connect(): void {
    this.online = true
    this.outbox.kick()
  }

  disconnect(): void {
    this.online = false
    for (const lose of this.losses) lose()
    this.losses.clear()
  }

  close(): void {
    this.disconnect()
    this.thaw()
    this.outbox.close()
  }
}

const live = (browser: Browser) => browser.tabs.filter((tab) => tab !== null && tab !== undefined)

async function take(browser: Browser, it: Step, nth: number): Promise<void> {
  if (it.do === 'wait') return void (await vi.advanceTimersByTimeAsync(it.ms))
  if (it.do === 'clock') return void vi.setSystemTime(Date.now() + it.hours * hourMs)
  if (it.do === 'write' && it.reload) browser.close(it.tab)
  if (it.do === 'open' || (it.do === 'write' && it.reload)) browser.open(it.tab)
  const tab = browser.tabs[it.tab]
  if (!tab) return
  if (it.do === 'write') {
    // Nobody writes in a frozen tab.
    if (!tab.isAwake) return
    const text = `${nth}${it.bad ? '!' : ''}`
    browser.written.get(it.room)!.push(text)
    tab.outbox.add({ room_id: it.room, text })
  } else if (it.do === 'close') {
    browser.close(it.tab)
  } else if (it.do !== 'open') tab[it.do]()
}

function nothingFailsThatWasNotRefused(browser: Browser): void {
  for (const { outbox } of live(browser)) {
    const waiting = roomIds.flatMap((id) => outbox.waiting(id))
    for (const { text, state } of waiting) if (state === 'failed') expect(isBad(text), text).toBe(true)
  }
}

/** All is well again, and the person throws away what was refused. */
async function heal(browser: Browser): Promise<void> {
  browser.open(0)
  for (const tab of live(browser)) {
    tab.thaw()
    tab.disconnect()
  }
  await vi.advanceTimersByTimeAsync(20)
  for (const tab of live(browser)) tab.connect()
  for (let round = 0; browser.disk.size > 0 && round < 60; round++) {
    await vi.advanceTimersByTimeAsync(5_000)
    for (const room_id of roomIds) {
      const failed = live(browser)[0]!.outbox.waiting(room_id)[0]
      if (failed?.state === 'failed') live(browser)[0]!.outbox.discard(failed.client_id)
    }
  }
  await vi.advanceTimersByTimeAsync(2_000)
}

test('what is written in any tab is stored once and in order, whatever happens', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 60 }),
      fc.infiniteStream(fc.constantFrom(...fates)),
      async (steps, luck) => {
        // Later than anything an earlier run has seen, so that no tab knows the future.
        vi.useFakeTimers({ now: 1_800_000_000_000 + ++runs * 2_000 * hourMs })
        let unlucky = true
        const browser = new Browser(`property${runs}`, () => (unlucky ? luck.next().value : 'ok'))
        browser.open(0)
        for (const [nth, it] of steps.entries()) {
          await take(browser, it, nth)
          // As long as storage and the other tabs need to notice.
          await vi.advanceTimersByTimeAsync(20)
          nothingFailsThatWasNotRefused(browser)
        }
        unlucky = false
        await heal(browser)
        for (const room_id of roomIds) {
          const arrived = browser.arrived.get(room_id)!.map((it) => it.text)
          expect(arrived).toEqual(browser.written.get(room_id)!.filter((text) => !isBad(text)))
        }
        expect(browser.disk.size).toBe(0)
        for (const { outbox } of live(browser)) expect(outbox.size()).toBe(0)
        for (const tab of live(browser)) tab.close()
        vi.useRealTimers()
      },
    ),
    { numRuns },
  )
}, 600_000)
