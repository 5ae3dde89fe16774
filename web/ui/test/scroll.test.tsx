// @vitest-environment happy-dom
/** Where the list stands while it grows. The DOM here has no layout, so heights and places are given by the test. */
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { useRef } from 'react'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { useAnchoredScroll } from '../src/thread/useAnchoredScroll'

const view = 400
/** Heights of the rows, from the top. */
let heights: Map<string, number>
let top = 0
let rendered: string[] = []

const total = () => rendered.reduce((sum, row) => sum + (heights.get(row) ?? 0), 0)
const offsetOf = (row: string) => {
  let sum = 0
  for (const each of rendered) {
    if (each === row) break
    sum += heights.get(each) ?? 0
  }
  return sum
}

const placeRow = (row: string) => (element: HTMLElement | null) => {
  if (element) element.getBoundingClientRect = () => new DOMRect(0, offsetOf(row) - top, 300, heights.get(row) ?? 0)
}

const placeBlock = (element: HTMLElement | null) => {
  if (element) element.getBoundingClientRect = () => new DOMRect(0, -top, 300, total())
}

function List({ rows }: { rows: string[] }) {
  rendered = rows
  const log = useRef<HTMLDivElement>(null)
  const inner = useRef<HTMLDivElement>(null)
  const scroll = useAnchoredScroll(log, inner)
  const place = (element: HTMLDivElement | null) => {
    log.current = element
    if (!element) return
    Object.defineProperties(element, {
      scrollHeight: { get: total, configurable: true },
      clientHeight: { value: view, configurable: true },
      scrollTop: {
        get: () => top,
        set: (value: number) => {
          top = Math.max(0, Math.min(value, total() - view))
        },
        configurable: true,
      },
    })
    element.getBoundingClientRect = () => new DOMRect(0, 0, 300, view)
  }
  return (
    <div ref={place} data-testid="log">
      <div ref={inner}>
        <div ref={placeBlock}>
          {rows.map((row) => (
            <div key={row} ref={placeRow(row)}>
              <p data-key={row} ref={placeRow(row)} />
            </div>
          ))}
        </div>
      </div>
      <button type="button" onClick={scroll.toBottom}>
        {scroll.pinned ? 'pinned' : 'away'}
      </button>
    </div>
  )
}

const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `row ${from + index}`)
const scrollTo = (value: number) => {
  top = value
  fireEvent.scroll(screen.getByTestId('log'))
}

beforeEach(() => {
  top = 0
  heights = new Map(rows(0, 100).map((row) => [row, 50]))
})
afterEach(cleanup)

test('a list opens at its end and follows what arrives', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  expect(top).toBe(600)
  rerender(<List rows={rows(50, 72)} />)
  expect(top).toBe(700)
})

test('who reads further up is not moved by what arrives', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  scrollTo(300)
  expect(screen.getByRole('button').textContent).toBe('away')
  rerender(<List rows={rows(50, 75)} />)
  expect(top).toBe(300)
})

// What arrived before the page had heard of the scrolling took the person back to the end.
test('who has just scrolled up stays there when something arrives at that moment', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  top = 300
  rerender(<List rows={rows(50, 71)} />)
  expect(top).toBe(300)
  expect(screen.getByRole('button').textContent).toBe('away')
})

test('a list that became shorter while it was pinned is still pinned', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  top = 200
  rerender(<List rows={rows(50, 62)} />)
  expect(top).toBe(200)
  rerender(<List rows={rows(50, 64)} />)
  expect(top).toBe(300)
})

test('older messages above leave the row in place that is being read', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  scrollTo(120)
  rerender(<List rows={rows(20, 70)} />)
  expect(top).toBe(120 + 30 * 50)
})

test('the next row holds the place when the first one merges with what was loaded', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  scrollTo(10)
  rerender(<List rows={[...rows(40, 50), ...rows(51, 70)]} />)
  // Row 51 stood 40 below the top of the view, and still does.
  expect(offsetOf('row 51') - top).toBe(40)
})

test('a picture that grows above does not push the text away', () => {
  const { rerender } = render(<List rows={rows(50, 70)} />)
  scrollTo(300)
  heights.set('row 51', 250)
  rerender(<List rows={rows(50, 70)} />)
  expect(top).toBe(500)
})

test('a list that grew before it could follow is still pinned', () => {
  render(<List rows={rows(50, 70)} />)
  heights.set('row 69', 500)
  fireEvent.scroll(screen.getByTestId('log'))
  expect(screen.getByRole('button').textContent).toBe('pinned')
  expect(top).toBe(1050)
})

test('within a hundred pixels of the end the list counts as pinned', () => {
  render(<List rows={rows(50, 70)} />)
  scrollTo(500)
  expect(screen.getByRole('button').textContent).toBe('pinned')
  scrollTo(490)
  expect(screen.getByRole('button').textContent).toBe('away')
})

test('the button goes back to the end', () => {
  render(<List rows={rows(50, 70)} />)
  scrollTo(0)
  act(() => screen.getByRole('button').click())
  expect(top).toBe(600)
  expect(screen.getByRole('button').textContent).toBe('pinned')
})
