import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSession } from '../src/session'
import type { Session } from '../src/types'
import { jwt, type Routes, stubFetch, stubLocks, stubStorage } from './fakeBrowser'
import { grace, until } from './fakeServer'

const url = 'http://desk.test'
const iat = 1_000_000
let items: Map<string, string>
let routes: Routes
let calls: string[]
let refreshes: number
const tabs: Session[] = []

/** Access tokens live this long. */
let ttlSeconds = 900

beforeEach(() => {
  items = stubStorage()
  stubLocks()
  refreshes = 0
  ttlSeconds = 900
  routes = {
    'POST /api/auth/login/': () => [200, { ...pair('login'), user: grace }],
    'POST /api/auth/refresh/': () => [200, pair(`r${++refreshes}`)],
    'POST /api/auth/logout/': () => [204],
  }
  calls = stubFetch(routes)
})

afterEach(() => {
  for (const session of tabs.splice(0)) session.close()
  vi.unstubAllGlobals()
})

const pair = (name: string) => ({ access: jwt({ name, iat, exp: iat + ttlSeconds }), refresh: `refresh-${name}` })

function tab(name = 'user'): Session {
  const session = createSession({ url, name })
  tabs.push(session)
  return session
}

describe('a session', () => {
  test('is kept over a reload', async () => {
    await tab().login('1', 'secret')
    const reloaded = tab()
    expect(reloaded.get()).toEqual({ status: 'signed_in', user: grace, reason: null })
    expect(await reloaded.token()).toBe(pair('login').access)
    expect([...items.keys()]).toEqual(['frontdesk.user.session'])
  })

  test('begins and ends in all tabs of its page, and of no other page', async () => {
    const [here, there, console] = [tab(), tab(), tab('console')]
    await here.login('1', 'secret')
    await until(() => there.get().status === 'signed_in')
    await here.logout()
    await until(() => there.get().status === 'signed_out')
    expect(there.get()).toEqual({ status: 'signed_out', user: grace, reason: 'left' })
    expect(console.get()).toEqual({ status: 'signed_out', user: null, reason: 'none' })
    await expect(there.token()).rejects.toMatchObject({ status: 401 })
  })

  test('ends here as soon as another tab says so, though its storage is still seen as it was', async () => {
    const here = tab()
    await here.login('1', 'secret')
    const elsewhere = new BroadcastChannel('frontdesk.user')
    elsewhere.postMessage('left')
    await until(() => here.get().status === 'signed_out')
    elsewhere.close()
    expect(items.size).toBe(1)
  })

  test('is renewed once when two tabs need it at the same time', async () => {
    ttlSeconds = 30
    const [here, there] = [tab(), tab()]
    await here.login('1', 'secret')
    ttlSeconds = 900
    const tokens = await Promise.all([here.token(), there.token(), here.token()])
    expect(new Set(tokens)).toEqual(new Set([pair('r1').access]))
    expect(refreshes).toBe(1)
  })

  test('is renewed although a tab that is frozen holds the lock', { timeout: 15_000 }, async () => {
    const session = tab()
    await session.login('1', 'secret')
    void navigator.locks.request('frontdesk.user.refresh', () => new Promise(() => {}))
    expect(await session.token(pair('login').access)).toBe(pair('r1').access)
    expect(refreshes).toBe(1)
  })

  test('gives another token when the server refuses the one it has', async () => {
    const session = tab()
    await session.login('1', 'secret')
    expect(await session.token(pair('login').access)).toBe(pair('r1').access)
    expect(refreshes).toBe(1)
  })

  test('is not ended by a lost network', async () => {
    const session = tab()
    await session.login('1', 'secret')
    delete routes['POST /api/auth/refresh/']
    await expect(session.token(pair('login').access)).rejects.toMatchObject({ code: 'network' })
    expect(session.get().status).toBe('signed_in')
    routes['POST /api/auth/refresh/'] = () => [503, { status: 503, code: 'unavailable' }]
    await expect(session.token(pair('login').access)).rejects.toMatchObject({ status: 503 })
    expect(session.get().status).toBe('signed_in')
  })

  test('is ended in all tabs when the server will not renew it', async () => {
    const [here, there] = [tab(), tab()]
    await here.login('1', 'secret')
    await until(() => there.get().status === 'signed_in')
    routes['POST /api/auth/refresh/'] = () => [401, { status: 401, code: 'unauthorized' }]
    await expect(here.token(pair('login').access)).rejects.toMatchObject({ status: 401 })
    expect(here.get()).toEqual({ status: 'signed_out', user: grace, reason: 'expired' })
    await until(() => there.get().status === 'signed_out')
    expect(there.get().reason).toBe('expired')
  })

  test('is left here even when the server cannot be told', async () => {
    const session = tab()
    await session.login('1', 'secret')
    delete routes['POST /api/auth/logout/']
    await session.logout()
    expect(session.get().status).toBe('signed_out')
    expect(items.size).toBe(0)
  })

  test('that its owner leaves is not taken for one that was ended from outside', async () => {
    const [here, there] = [tab(), tab()]
    await here.login('1', 'secret')
    await until(() => there.get().status === 'signed_in')
    // The server closes the connections before it answers: both pages try to renew what is no more.
    routes['POST /api/auth/refresh/'] = () => [401, { status: 401, code: 'unauthorized', detail: 'Ended' }]
    const seen: (string | null)[] = []
    here.subscribe(() => seen.push(here.get().reason))
    routes['POST /api/auth/logout/'] = () => {
      expect(here.get().reason).toBe('left')
      return [204]
    }
    await here.logout()
    expect(seen).toEqual(['left'])

    await here.login('1', 'secret')
    await until(() => there.get().status === 'signed_in')
    const access = await there.token()
    routes['POST /api/auth/logout/'] = async () => {
      await expect(there.token(access)).rejects.toMatchObject({ status: 401 })
      return [204]
    }
    await here.logout({ all: true })
    await until(() => there.get().reason === 'left')
    expect(here.get()).toMatchObject({ status: 'signed_out', reason: 'left' })
  })

  test('is not left on all devices unless the server says so', async () => {
    const session = tab()
    await session.login('1', 'secret')
    delete routes['POST /api/auth/logout/']
    await expect(session.logout({ all: true })).rejects.toMatchObject({ code: 'network' })
    expect(session.get().status).toBe('signed_in')
  })

  test('tells a wrong password by its code', async () => {
    routes['POST /api/auth/login/'] = () => [401, { status: 401, code: 'unauthorized', detail: 'Wrong' }]
    const session = tab()
    await expect(session.login('1', 'wrong')).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
    expect(calls).toEqual(['POST /api/auth/login/'])
    expect(session.get().status).toBe('signed_out')
  })
})
