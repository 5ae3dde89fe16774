// @vitest-environment happy-dom
import type { InboxState, Room } from '@frontdesk/sdk'
import { act, renderHook } from '@testing-library/react'
import { expect, test } from 'vitest'
import { useHeldRooms } from '../src/list/useHeldRooms'
import { ids, room } from './rooms'

function inbox(rooms: Room[], rest: Partial<InboxState> = {}): InboxState {
  return {
    phase: 'ready',
    rooms,
    filter: { q: '', show: 'all' },
    has_more: false,
    loading_more: false,
    summary: null,
    typing: {},
    last_arrival: null,
    ...rest,
  }
}

interface Props {
  state: InboxState
  open?: Room | null
  holding?: boolean
}

function list(initial: Props) {
  const hook = renderHook((props: Props) => useHeldRooms(props.state, props.open ?? null, props.holding ?? false), {
    initialProps: initial,
  })
  return {
    become: hook.rerender,
    shows: () => ids(hook.result.current.rooms),
    waiting: () => hook.result.current.waiting,
    release: () => act(() => hook.result.current.release()),
  }
}

const three = [room(1, 30), room(2, 20), room(3, 10)]
const risen = [room(3, 40), room(1, 30), room(2, 20)]

test('rows follow at once while nobody points at them', () => {
  const rows = list({ state: inbox(three) })
  rows.become({ state: inbox(risen) })
  expect(rows.shows()).toEqual([3, 1, 2])
  expect(rows.waiting()).toBe(0)
})

test('rows stay while somebody points at them, and move when the pointer leaves', () => {
  const rows = list({ state: inbox(three), holding: true })
  rows.become({ state: inbox(three), holding: true })
  rows.become({ state: inbox(risen), holding: true })
  expect(rows.shows()).toEqual([1, 2, 3])
  expect(rows.waiting()).toBe(1)
  rows.become({ state: inbox(risen) })
  expect(rows.shows()).toEqual([3, 1, 2])
})

test('"1 new" lets the rows move although the pointer is still there, and holds again after that', () => {
  const rows = list({ state: inbox(three), holding: true })
  rows.become({ state: inbox(risen), holding: true })
  rows.release()
  expect(rows.shows()).toEqual([3, 1, 2])
  rows.become({ state: inbox([room(2, 50), room(3, 40), room(1, 30)]), holding: true })
  expect(rows.shows()).toEqual([3, 1, 2])
  expect(rows.waiting()).toBe(1)
})

test('another filter is followed at once, also while its first page loads', () => {
  const rows = list({ state: inbox(three), holding: true })
  const filter = { q: '', show: 'unread' } as const
  rows.become({ state: inbox([], { filter, phase: 'loading' }), holding: true })
  expect(rows.shows()).toEqual([])
  rows.become({ state: inbox([room(2, 20)], { filter }), holding: true })
  expect(rows.shows()).toEqual([2])
})

test('the open room keeps its row when it no longer fits the filter, until another is opened', () => {
  const rows = list({ state: inbox(three), open: three[1] })
  rows.become({ state: inbox([three[0]!, three[2]!]), open: three[1] })
  expect(rows.shows()).toEqual([1, 2, 3])
  rows.become({ state: inbox([three[0]!, three[2]!]), open: three[0] })
  expect(rows.shows()).toEqual([1, 3])
})

test('a room opened by its address is not put into a list that does not hold it', () => {
  const rows = list({ state: inbox(three), open: room(9, 5) })
  rows.become({ state: inbox(three), open: room(9, 5) })
  expect(rows.shows()).toEqual([1, 2, 3])
})
