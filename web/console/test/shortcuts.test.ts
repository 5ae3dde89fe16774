import { describe, expect, test } from 'vitest'
import { type Press, shortcutOf } from '../src/keyboard/shortcuts'

const press = (rest: Partial<Press>): Press => ({
  key: '',
  code: '',
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  isComposing: false,
  ...rest,
})

describe('a key press', () => {
  test('moves between rooms by letter only while no field has focus', () => {
    const j = press({ key: 'j', code: 'KeyJ' })
    expect(shortcutOf(j, false, true)).toBe('next')
    expect(shortcutOf(j, true, true)).toBeNull()
    expect(shortcutOf(j, false, false)).toBeNull()
  })

  test('with Alt works in a field, and with what Alt types on a Mac', () => {
    expect(shortcutOf(press({ key: '∆', code: 'KeyJ', altKey: true }), true, true)).toBe('next')
    expect(shortcutOf(press({ key: '´', code: 'KeyE', altKey: true }), true, false)).toBe('resolve')
  })

  test('finds the letter by its place on a Cyrillic or Arabic keyboard', () => {
    expect(shortcutOf(press({ key: 'о', code: 'KeyJ' }), false, true)).toBe('next')
  })

  test("leaves the browser's own combinations and unfinished words alone", () => {
    expect(shortcutOf(press({ key: 'k', code: 'KeyK', ctrlKey: true }), false, true)).toBeNull()
    expect(shortcutOf(press({ key: '/', code: 'Slash', isComposing: true }), false, true)).toBeNull()
  })

  test('opens the sheet by the sign, wherever its key is', () => {
    expect(shortcutOf(press({ key: '?', code: 'Minus' }), false, true)).toBe('help')
  })

  test('reaches the panes from everywhere', () => {
    expect(shortcutOf(press({ key: 'F6', code: 'F6' }), true, false)).toBe('panes')
  })
})
