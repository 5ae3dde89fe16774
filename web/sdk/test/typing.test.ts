import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createTypingSender } from '../src/typing'

let said: [boolean, number][]
let begun: number
const sender = createTypingSender((is_typing) => said.push([is_typing, Date.now() - begun]))

beforeEach(() => {
  vi.useFakeTimers()
  said = []
  begun = Date.now()
})

afterEach(() => vi.useRealTimers())

function type(forMs: number): void {
  for (let ms = 0; ms < forMs; ms += 100) {
    sender.input(true)
    vi.advanceTimersByTime(100)
  }
}

test('typing is told at the first key, every three seconds, and two seconds after the last key it has ended', () => {
  type(7_000)
  vi.advanceTimersByTime(10_000)
  expect(said).toEqual([
    [true, 0],
    [true, 3_000],
    [true, 6_000],
    [false, 8_900],
  ])
})

test('a sent message ends typing at once, and the next key begins it anew', () => {
  type(500)
  sender.stop()
  sender.stop()
  sender.input(true)
  expect(said).toEqual([
    [true, 0],
    [false, 500],
    [true, 500],
  ])
  sender.stop()
})
