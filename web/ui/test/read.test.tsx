// @vitest-environment happy-dom
/** When messages count as read. The DOM here has no layout, so the list's height and place are given by the test. */
import type { RoomState } from '@frontdesk/sdk'
import { cleanup, render } from '@testing-library/react'
import { useRef } from 'react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { useReadMark } from '../src/thread/useReadMark'

let below = 0

function List({ ids, read }: { ids: number[]; read: (message_id: number) => void }) {
  const log = useRef<HTMLDivElement>(null)
  const messages = ids.map((id) => ({ id, seq: id, own: false, sender: { id: 3, name: 'Grace', role: 'user' } }))
  const me = { id: 1, name: 'Ada', role: 'admin' }
  useReadMark({ phase: 'ready', me, messages } as unknown as RoomState, log, read)
  const place = (element: HTMLDivElement | null) => {
    log.current = element
    if (!element) return
    Object.defineProperties(element, {
      clientHeight: { value: 400, configurable: true },
      scrollHeight: { value: 1000, configurable: true },
      scrollTop: { get: () => 600 - below, configurable: true },
    })
  }
  return <div ref={place} />
}

beforeEach(() => {
  below = 0
  vi.useFakeTimers()
})
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

test('what arrives together is read together', () => {
  const read = vi.fn()
  const { rerender } = render(<List ids={[1]} read={read} />)
  rerender(<List ids={[1, 2]} read={read} />)
  expect(read).not.toHaveBeenCalled()
  vi.advanceTimersByTime(200)
  expect(read.mock.calls).toEqual([[2]])
})

test('what was seen just before the list is left is read', () => {
  const read = vi.fn()
  const { rerender, unmount } = render(<List ids={[1]} read={read} />)
  vi.advanceTimersByTime(200)
  rerender(<List ids={[1, 2]} read={read} />)
  unmount()
  vi.advanceTimersByTime(200)
  expect(read.mock.calls).toEqual([[1], [2]])
})

test('what came below the view is not, also when the list is left', () => {
  const read = vi.fn()
  below = 300
  const { unmount } = render(<List ids={[1]} read={read} />)
  vi.advanceTimersByTime(200)
  unmount()
  vi.advanceTimersByTime(200)
  expect(read).not.toHaveBeenCalled()
})
