/** What goes wrong in browsers, done to a page on purpose; and what must be true afterwards. */
import { expect, type Page } from '@playwright/test'
import type { Message, MessagePage } from '../../sdk/src/protocol.gen'
import { ada } from './cast'
import type { AdminPage, UserPage } from './people'
import type { Server } from './server'

type Person = UserPage | AdminPage

/**
 * As browsers do to a tab that was long in the background: nothing runs any more, and what it holds stays held. Chromium
 * freezes no page that a test looks at, so it is stopped at its next statement instead.
 */
export async function freeze(page: Page): Promise<() => Promise<void>> {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Debugger.enable')
  await devtools.send('Debugger.pause')
  return async () => {
    await devtools.send('Debugger.disable')
    await devtools.detach()
  }
}

/** The process behind the tab dies. */
export async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash')
  await page.goto('chrome://crash').catch(() => {})
  await crashed
}

declare global {
  interface Window {
    /** Sets the clock of the page, in hours from the right time. */
    setClock?: (hours: number) => void
  }
}

/** Lets a test set the page's clock while it runs; timers go on as before, as they do in life. */
export async function withClock(page: Page, hours = 0): Promise<void> {
  await page.addInitScript((first) => {
    const RealDate = Date
    let offMs = first * 3_600_000
    const now = () => RealDate.now() + offMs
    window.setClock = (next) => {
      offMs = next * 3_600_000
    }
    window.Date = new Proxy(RealDate, {
      construct: (target, given) => Reflect.construct(target, given.length === 0 ? [now()] : given),
      get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
    })
  }, hours)
}

export const setClock = (page: Page, hours: number): Promise<void> =>
  page.evaluate((next) => window.setClock?.(next), hours)

/** A browser that keeps nothing, as some do in private windows. */
export async function withoutStorage(page: Page): Promise<void> {
  await page.addInitScript(() => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError')
    }
  })
}

const tokens = new WeakMap<Server, Map<number, string>>()

function tokenOf(server: Server, user_id: number): string {
  const known = tokens.get(server) ?? new Map<number, string>()
  tokens.set(server, known)
  const token = known.get(user_id) ?? server.command(['token', '--user', String(user_id)]).trim()
  known.set(user_id, token)
  return token
}

/** What the server has, from the first message on. */
export async function history(server: Server, room_id: number): Promise<Message[]> {
  const headers = { authorization: `Bearer ${tokenOf(server, ada.id)}` }
  const all: Message[] = []
  let after: number | null = 0
  while (after !== null) {
    const answer = await fetch(`${server.address}/api/chat/rooms/${room_id}/messages/?limit=200&after=${after}`, {
      headers,
    })
    const page = (await answer.json()) as MessagePage
    all.push(...page.results)
    after = page.next
  }
  return all
}

/** Somebody writes without a page. */
export async function writes(server: Server, user_id: number, room_id: number, message: string): Promise<void> {
  const answer = await fetch(`${server.address}/api/chat/rooms/${room_id}/messages/`, {
    method: 'POST',
    headers: { authorization: `Bearer ${tokenOf(server, user_id)}`, 'content-type': 'application/json' },
    body: JSON.stringify({ message }),
  })
  expect(answer.status).toBe(201)
}

export const shownTexts = (person: Person): Promise<string[]> => person.log.locator('.bub .txt').allTextContents()

/** The pages show what the server has, in its order, each message once; and nothing waits. */
export async function allAgree(server: Server, room_id: number, people: Person[]): Promise<string[]> {
  const texts = async () => (await history(server, room_id)).map((message) => message.message)
  for (const person of people) {
    await expect(async () => expect(await shownTexts(person)).toEqual(await texts())).toPass({ timeout: 30_000 })
    for (const tick of ['queued', 'sending']) await expect(person.log.locator(`.tick.${tick}`)).toHaveCount(0)
    await expect(person.log.locator('.failed')).toHaveCount(0)
  }
  const ids = (await history(server, room_id)).flatMap((message) => message.client_id ?? [])
  expect(new Set(ids).size).toBe(ids.length)
  return texts()
}
