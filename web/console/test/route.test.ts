import { expect, test } from 'vitest'
import { parseRoute, routeHash } from '../src/route'

test('every route is found again by its address', () => {
  const routes = [
    { page: 'inbox' },
    { page: 'you' },
    { page: 'room', room_id: 7, details: false },
    { page: 'room', room_id: 7, details: true },
  ] as const
  for (const route of routes) expect(parseRoute(routeHash(route))).toEqual(route)
})

test('an address that means nothing is the inbox', () => {
  for (const hash of ['', '#', '#/rooms/', '#/rooms/0', '#/rooms/-1', '#/rooms/x', '#/rooms/7/files', '#/elsewhere'])
    expect(parseRoute(hash)).toEqual({ page: 'inbox' })
})
