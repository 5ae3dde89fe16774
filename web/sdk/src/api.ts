/** The HTTP calls: tokens, problem+json as `ApiError`, and uploads with their progress. */
import { baseUrl } from './env'
import type { ErrorCode, Message, Problem } from './protocol.gen'
import type { ApiError } from './types'

const timeoutMs = 20_000

/** An upload of which nothing moves for so long goes nowhere. */
const stallMs = 60_000

/** What these say, whoever on the way to the server says it. Any other answer without a code of ours judges nothing. */
const codeOfStatus: Record<number, ErrorCode> = { 401: 'unauthorized', 413: 'too_large', 429: 'rate_limited' }

/** Said of the moment, not of what was sent. */
const passing = new Set<string>(['network', 'rate_limited', 'not_durable', 'unavailable', 'internal'])

/** Given to a caller's token function: the token that was refused, if one was. */
export type TokenSource = (refused?: string) => Promise<string>

export interface UploadOptions {
  onProgress: (sentBytes: number) => void
  signal: AbortSignal
}

export interface Api {
  call<T>(method: 'GET' | 'POST' | 'PATCH', path: string, body?: unknown): Promise<T>
  blob(path: string): Promise<Blob>
  upload(path: string, form: FormData, options: UploadOptions): Promise<Message>
}

export function apiError(
  status: number,
  code: ErrorCode | 'network',
  message: string,
  retry_after_ms?: number,
): ApiError {
  return Object.assign(new Error(message), { name: 'ApiError', status, code, retry_after_ms }) as ApiError
}

export const isApiError = (error: unknown): error is ApiError => (error as ApiError | null)?.name === 'ApiError'

export const passes = (code: string): boolean => passing.has(code)

/** Whether the same call may succeed later: everything but an answer that judged the call itself. */
export function mayRetry(error: unknown): boolean {
  return !isApiError(error) || passes(error.code) || error.status >= 500
}

function refusal(status: number, body: string, retryAfter: string | null): ApiError {
  let problem: Partial<Problem> = {}
  try {
    problem = Object(JSON.parse(body))
  } catch {
    // A proxy on the way answered with a page of its own.
  }
  const code = problem.code ?? codeOfStatus[status] ?? 'unavailable'
  const seconds = Number.parseFloat(retryAfter ?? '')
  return apiError(status, code, problem.detail ?? '', seconds >= 0 ? seconds * 1000 : undefined)
}

const networkError = (cause: unknown) => apiError(0, 'network', String(cause))

export function createApi(url: string | undefined, token?: TokenSource): Api {
  const base = baseUrl(url)

  /** Runs a call with a token, and once more with a new one when that token was refused. */
  async function withToken<T>(run: (bearer: string | null) => Promise<T>): Promise<T> {
    if (!token) return run(null)
    const first = await token()
    try {
      return await run(first)
    } catch (error) {
      if (!isApiError(error) || error.status !== 401) throw error
      const second = await token(first)
      if (second === first) throw error
      return run(second)
    }
  }

  async function fetchOnce(method: string, path: string, body: unknown, bearer: string | null): Promise<Response> {
    const headers: Record<string, string> = {}
    if (bearer !== null) headers.Authorization = `Bearer ${bearer}`
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const init: RequestInit = { method, headers, signal: AbortSignal.timeout(timeoutMs) }
    if (body !== undefined) init.body = JSON.stringify(body)
    const response = await fetch(base + path, init).catch((cause) => {
      throw networkError(cause)
    })
    if (response.ok) return response
    throw refusal(response.status, await response.text().catch(() => ''), response.headers.get('Retry-After'))
  }

  return {
    call<T>(method: string, path: string, body?: unknown): Promise<T> {
      return withToken(async (bearer) => {
        const response = await fetchOnce(method, path, body, bearer)
        const text = await response.text().catch((cause) => {
          throw networkError(cause)
        })
        return (text === '' ? undefined : JSON.parse(text)) as T
      })
    },
    blob: (path) => withToken(async (bearer) => (await fetchOnce('GET', path, undefined, bearer)).blob()),
    upload: (path, form, options) => withToken((bearer) => uploadOnce(base + path, form, bearer, options)),
  }
}

/** By XMLHttpRequest, since `fetch` does not tell how much was sent. */
function uploadOnce(url: string, form: FormData, bearer: string | null, options: UploadOptions): Promise<Message> {
  return new Promise((resolve, reject) => {
    options.signal.throwIfAborted()
    const request = new XMLHttpRequest()
    request.open('POST', url)
    if (bearer !== null) request.setRequestHeader('Authorization', `Bearer ${bearer}`)
    let stall: ReturnType<typeof setTimeout>
    const moved = () => {
      clearTimeout(stall)
      stall = setTimeout(() => request.abort(), stallMs)
    }
    request.upload.onprogress = (event) => {
      moved()
      options.onProgress(event.loaded)
    }
    request.onloadend = () => {
      clearTimeout(stall)
      const { status, responseText } = request
      if (status >= 300) return reject(refusal(status, responseText, request.getResponseHeader('Retry-After')))
      try {
        resolve(JSON.parse(responseText))
      } catch (cause) {
        // It did not get through, or something else has answered.
        reject(networkError(cause))
      }
    }
    options.signal.addEventListener('abort', () => request.abort())
    moved()
    request.send(form)
  })
}
