import { describe, expect, test } from 'vitest'
import { heldBack, hold, withSelected } from '../src/list/held'
import { ids, room } from './rooms'

describe('a held list', () => {
  const shown = [room(1, 30), room(2, 20), room(3, 10)]

  test('keeps its order while a room rises, and shows what is new in the row', () => {
    const risen = room(3, 40, { unread_count: 2 })
    const rows = hold(shown, [risen, ...shown.slice(0, 2)])
    expect(ids(rows)).toEqual([1, 2, 3])
    expect(rows[2]?.unread_count).toBe(2)
  })

  test('keeps a row that no longer fits the filter', () => {
    expect(ids(hold(shown, [shown[0]!, shown[2]!]))).toEqual([1, 2, 3])
  })

  test('takes the next page at its end but no new room at its top', () => {
    expect(ids(hold(shown, [room(9, 50), ...shown, room(4, 5), room(5, 4)]))).toEqual([1, 2, 3, 4, 5])
  })

  test('is the same array when nothing changed', () => {
    expect(hold(shown, [...shown])).toBe(shown)
  })

  test('counts a new room and a risen room, but not the rows that they push down', () => {
    expect(heldBack(shown, [room(9, 50), room(3, 40), shown[0]!, shown[1]!])).toBe(2)
  })

  test('counts nothing when a room goes, when the top room is written to again, or when a page is added', () => {
    expect(heldBack(shown, [shown[0]!, shown[2]!])).toBe(0)
    expect(heldBack(shown, [room(1, 55), shown[1]!, shown[2]!])).toBe(0)
    expect(heldBack(shown, [...shown, room(4, 5)])).toBe(0)
  })
})

describe('the open room', () => {
  const open = room(7, 15)

  test('keeps its place by activity when the filter has dropped it', () => {
    expect(ids(withSelected([room(1, 30), room(2, 20), room(3, 10)], open))).toEqual([1, 2, 7, 3])
  })

  test('stands last when all others are newer', () => {
    expect(ids(withSelected([room(1, 30)], open))).toEqual([1, 7])
  })

  test('is not listed twice', () => {
    const rooms = [room(7, 15)]
    expect(withSelected(rooms, open)).toBe(rooms)
  })
})
