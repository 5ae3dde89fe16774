import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createApi, mayRetry } from '../src/api'
import { type Routes, stubFetch } from './fakeBrowser'

const url = 'http://desk.test/'
let routes: Routes
let calls: string[]

beforeEach(() => {
  routes = {}
  calls = stubFetch(routes)
})

afterEach(() => vi.unstubAllGlobals())

const bearerOf = (headers: Record<string, string>) => headers.Authorization

describe('a call', () => {
  test('carries the token, and a new one when the first is refused', async () => {
    routes['GET /x/'] = (_, headers) => (bearerOf(headers) === 'Bearer new' ? [200, { ok: true }] : [401])
    const token = async (refused?: string) => (refused === 'old' ? 'new' : 'old')
    expect(await createApi(url, token).call('GET', '/x/')).toEqual({ ok: true })
    expect(calls).toHaveLength(2)
  })

  test('is not made again when there is no other token', async () => {
    routes['GET /x/'] = () => [401]
    const call = createApi(url, async () => 'only').call('GET', '/x/')
    await expect(call).rejects.toMatchObject({ status: 401, code: 'unauthorized' })
    expect(calls).toHaveLength(1)
  })

  test('is refused with the server’s code and words', async () => {
    routes['POST /x/'] = () => [422, { status: 422, code: 'too_long', detail: 'at most 4,000' }]
    const call = createApi(url).call('POST', '/x/', {})
    await expect(call).rejects.toMatchObject({
      name: 'ApiError',
      status: 422,
      code: 'too_long',
      message: 'at most 4,000',
    })
  })

  test('is refused with the code of its status when a proxy answered', async () => {
    vi.stubGlobal(
      'fetch',
      async () => new Response('<h1>too large</h1>', { status: 413, headers: { 'Retry-After': '2' } }),
    )
    const call = createApi(url).call('POST', '/x/', {})
    await expect(call).rejects.toMatchObject({ status: 413, code: 'too_large', retry_after_ms: 2_000 })
  })

  test.each([
    [408, null],
    [429, null],
    [429, 'rate_limited'],
    [500, 'internal'],
    [500, 'a code of tomorrow'],
    [502, null],
    [503, 'not_durable'],
    [503, 'unavailable'],
    [504, null],
    // Not our server, but something in front of it that does not know it now.
    [400, null],
    [403, null],
    [404, null],
  ])('that was answered with %i and the code %s may be made again', async (status, code) => {
    const body = code === null ? '<h1>Sorry</h1>' : JSON.stringify({ status, code })
    vi.stubGlobal('fetch', async () => new Response(body, { status }))
    const error = await createApi(url)
      .call('POST', '/x/', {})
      .catch((it) => it)
    expect(mayRetry(error)).toBe(true)
  })

  test.each([
    [403, 'forbidden'],
    [404, 'not_found'],
    [409, 'client_id_reused'],
    [413, null],
    [422, 'too_long'],
    [422, 'empty'],
  ])('that was judged with %i and the code %s ends the same way again', async (status, code) => {
    const body = code === null ? '<h1>Too large</h1>' : JSON.stringify({ status, code })
    vi.stubGlobal('fetch', async () => new Response(body, { status }))
    const error = await createApi(url)
      .call('POST', '/x/', {})
      .catch((it) => it)
    expect(mayRetry(error)).toBe(false)
  })

  test('that did not get through may be made again', async () => {
    const error = await createApi(url)
      .call('GET', '/nowhere/')
      .catch((it) => it)
    expect(error).toMatchObject({ status: 0, code: 'network' })
    expect(mayRetry(error)).toBe(true)
  })
})

describe('an upload', () => {
  class FakeRequest {
    static status = 201
    static answer: unknown = {}
    upload: { onprogress?: (event: { loaded: number }) => void } = {}
    status = FakeRequest.status
    responseText = FakeRequest.status > 0 ? JSON.stringify(FakeRequest.answer) : ''
    onloadend = () => {}
    open() {}
    setRequestHeader() {}
    getResponseHeader = () => null
    abort = () => this.onloadend()
    send() {
      for (const loaded of [1, 2]) this.upload.onprogress?.({ loaded })
      if (FakeRequest.status === 0) return
      setTimeout(() => {
        this.onloadend()
      })
    }
  }

  beforeEach(() => vi.stubGlobal('XMLHttpRequest', FakeRequest))

  const upload = (signal: AbortSignal, seen: number[] = []) =>
    createApi(url).upload('/x/', new FormData(), { signal, onProgress: (sent) => seen.push(sent) })

  test('tells how much was sent and gives the message', async () => {
    FakeRequest.answer = { id: 5 }
    FakeRequest.status = 201
    const seen: number[] = []
    expect(await upload(new AbortController().signal, seen)).toEqual({ id: 5 })
    expect(seen).toEqual([1, 2])
  })

  test('is refused like any call', async () => {
    FakeRequest.answer = { code: 'too_large', detail: 'a file may have 25 MB' }
    FakeRequest.status = 413
    await expect(upload(new AbortController().signal)).rejects.toMatchObject({ status: 413, code: 'too_large' })
  })

  test('fails like a lost network when something else answers, so that it is sent again', async () => {
    vi.stubGlobal(
      'XMLHttpRequest',
      class extends FakeRequest {
        override responseText = '<p>Please sign in to the Wi-Fi</p>'
        override status = 200
      },
    )
    FakeRequest.status = 200
    await expect(upload(new AbortController().signal)).rejects.toMatchObject({ code: 'network' })
  })

  test('is given up when nothing moves any more, so that it is sent again', async () => {
    vi.useFakeTimers()
    FakeRequest.status = 0
    const running = upload(new AbortController().signal)
    const refused = expect(running).rejects.toMatchObject({ code: 'network' })
    await vi.advanceTimersByTimeAsync(61_000)
    await refused
    vi.useRealTimers()
  })

  test('can be stopped', async () => {
    FakeRequest.status = 0
    const stop = new AbortController()
    const running = upload(stop.signal)
    setTimeout(() => stop.abort())
    await expect(running).rejects.toMatchObject({ code: 'network' })
  })
})
