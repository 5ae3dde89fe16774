/** The HTTP calls: tokens, problem+json as `ApiError`, and uploads with their progress. */
import { baseUrl } from './env'
import type { ErrorCode, Message, Problem } from './protocol.gen'
import type { ApiError } from './types'

const timeoutMs = 20_000

const codeOfStatus: Record<number, ErrorCode> = {
  400: 'bad_request',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not_found',
  405: 'method_not_allowed',
  413: 'too_large',
  415: 'unsupported_media_type',
  422: 'invalid',
  429: 'rate_limited',
}

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
  const error = new Error(message) as ApiError
  error.name = 'ApiError'
  error.status = status
  error.code = code
  if (retry_after_ms !== undefined) error.retry_after_ms = retry_after_ms
  return error
}

export const isApiError = (error: unknown): error is ApiError => error instanceof Error && error.name === 'ApiError'

/** Whether the same call may succeed later: everything but an answer that judged the call itself. */
export function mayRetry(error: unknown): boolean {
  return !isApiError(error) || error.code === 'network' || error.status === 429 || error.status >= 500
}

function refusal(status: number, body: string, retryAfter: string | null): ApiError {
  let problem: Partial<Problem> = {}
  try {
    problem = JSON.parse(body)
  } catch {
    // A proxy on the way answered with a page of its own; the status says enough.
  }
  const code = problem.code ?? codeOfStatus[status] ?? (status >= 500 ? 'unavailable' : 'bad_request')
  const seconds = retryAfter === null ? Number.NaN : Number(retryAfter)
  const error = apiError(status, code, problem.detail ?? `HTTP ${status}`)
  if (Number.isFinite(seconds)) error.retry_after_ms = seconds * 1000
  return error
}

const networkError = (cause: unknown) =>
  apiError(0, 'network', cause instanceof Error ? cause.message : 'The server could not be reached')

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
    const request = new XMLHttpRequest()
    request.open('POST', url)
    if (bearer !== null) request.setRequestHeader('Authorization', `Bearer ${bearer}`)
    request.upload.onprogress = (event) => options.onProgress(event.loaded)
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText))
      else reject(refusal(request.status, request.responseText, request.getResponseHeader('Retry-After')))
    }
    request.onerror = () => reject(networkError(null))
    request.onabort = () => reject(networkError(null))
    options.signal.addEventListener('abort', () => request.abort())
    if (options.signal.aborted) reject(networkError(null))
    else request.send(form)
  })
}
