// @vitest-environment happy-dom
/** Parts that are loaded later: what is on the screen meanwhile, and when they cannot be had. */
import { act, cleanup, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { later, loadParts } from '../src/later/later'
import { MissingParts } from '../src/later/MissingParts'
import { common } from '../src/messages/en'

const Greeting = ({ name }: { name: string }) => <p>Hello {name}</p>
const settle = (ms = 0) => act(() => vi.advanceTimersByTimeAsync(ms))

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  cleanup()
  vi.useRealTimers()
})

test('something stands in its place until it is there', async () => {
  const Part = later(async () => Greeting, <p>Wait</p>)
  render(<Part name="Ada" />)
  expect(screen.getByText('Wait')).toBeTruthy()
  await settle()
  expect(screen.getByText('Hello Ada')).toBeTruthy()
})

test('what was loaded ahead is there at once', async () => {
  const load = vi.fn(async () => Greeting)
  const Part = later(load)
  await loadParts()
  render(<Part name="Ada" />)
  expect(screen.getByText('Hello Ada')).toBeTruthy()
  expect(load).toHaveBeenCalledTimes(1)
})

test('one that cannot be loaded is asked for again, and the person is told meanwhile', async () => {
  let isAway = true
  const Part = later(async () => {
    if (isAway) throw new TypeError('Failed to fetch')
    return Greeting
  })
  render(
    <>
      <p>The rest of the page</p>
      <Part name="Ada" />
      <MissingParts />
    </>,
  )
  await settle()
  expect(screen.getByText(common.part_failed)).toBeTruthy()
  expect(screen.getByText('The rest of the page')).toBeTruthy()
  isAway = false
  await settle(1000)
  expect(screen.getByText('Hello Ada')).toBeTruthy()
  expect(screen.queryByText(common.part_failed)).toBeNull()
})

test('what is not wanted any more is not asked for, and nobody is told of it', async () => {
  const load = vi.fn(() => Promise.reject(new TypeError('Failed to fetch')))
  const Part = later<{ name: string }>(load)
  const page = render(
    <>
      <Part name="Ada" />
      <MissingParts />
    </>,
  )
  await settle()
  page.rerender(<MissingParts />)
  expect(screen.queryByText(common.part_failed)).toBeNull()
  await settle(60_000)
  expect(load).toHaveBeenCalledTimes(1)
})
