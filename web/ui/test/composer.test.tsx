// @vitest-environment happy-dom
/** Writing: which Enter sends, what is kept, and that the field is never taken away. */
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { createRef } from 'react'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { Composer, type ComposerHandle, type ComposerProps } from '../src/composer/Composer'
import { countDrafts, draftKey, forgetDrafts, readDraft, sinceKey, writeDraft } from '../src/composer/drafts'
import { loadParts } from '../src/later/later'

const key = 'frontdesk.draft.1.7'
const onSend = vi.fn<ComposerProps['onSend']>()
const onTyping = vi.fn<ComposerProps['onTyping']>()

function composer(change: Partial<ComposerProps> = {}) {
  const props = { look: 'one', label: 'Message', placeholder: '', draftKey: key, max: 60, onSend, onTyping } as const
  return render(<Composer {...props} {...change} />)
}
const field = () => screen.getByRole<HTMLTextAreaElement>('textbox')
const type = (text: string) => fireEvent.change(field(), { target: { value: text } })
// Files are shown by a part of its own.
beforeAll(loadParts)

const enter = (init: Partial<KeyboardEvent> = {}) => fireEvent.keyDown(field(), { key: 'Enter', ...init })

beforeEach(() => {
  writeDraft(key, '')
  vi.clearAllMocks()
})
afterEach(cleanup)

test('enter sends, empties the field at once and keeps the focus', () => {
  composer()
  type('Hello')
  enter()
  expect(onSend).toHaveBeenCalledExactlyOnceWith('Hello', [])
  expect(field().value).toBe('')
  expect(document.activeElement).toBe(field())
})

test('shift and enter break the line', () => {
  composer()
  type('Hello')
  expect(enter({ shiftKey: true })).toBe(true)
  expect(onSend).not.toHaveBeenCalled()
})

test('enter never sends while an input method composes', () => {
  composer()
  type('にほん')
  enter({ isComposing: true })
  enter({ keyCode: 229 })
  expect(onSend).not.toHaveBeenCalled()
  enter()
  expect(onSend).toHaveBeenCalledOnce()
})

test('where control and enter send, enter alone breaks the line', () => {
  composer({ sendWith: 'mod+enter' })
  type('Hello')
  expect(enter()).toBe(true)
  expect(onSend).not.toHaveBeenCalled()
  enter({ ctrlKey: true })
  expect(onSend).toHaveBeenCalledOnce()
})

test('white space is not sent', () => {
  composer()
  type(' \n ')
  enter()
  expect(onSend).not.toHaveBeenCalled()
  expect(screen.getByRole('button', { name: 'Send' }).getAttribute('aria-disabled')).toBe('true')
})

test('the last fifty characters are counted, in characters and not in code units', () => {
  composer()
  type('x'.repeat(9))
  expect(screen.queryByRole('status')).toBeNull()
  type('😀'.repeat(59))
  expect(screen.getByRole('status').textContent).toBe('1 character left')
})

test('what is too long stays, says by how much, and is not sent', () => {
  composer()
  type('x'.repeat(72))
  expect(screen.getByRole('status').textContent).toBe('12 characters too many')
  enter()
  expect(onSend).not.toHaveBeenCalled()
  expect(field().value).toHaveLength(72)
  expect(field().disabled).toBe(false)
})

test('a draft outlives the page and is gone once it is sent', () => {
  composer()
  type('Not yet')
  cleanup()
  composer()
  expect(field().value).toBe('Not yet')
  enter()
  expect(readDraft(key)).toBe('')
})

test('another room has another draft', () => {
  const { rerender } = composer()
  type('For seven')
  const props = { look: 'one', label: 'Message', placeholder: '', max: 60, onSend, onTyping } as const
  rerender(<Composer {...props} draftKey="frontdesk.draft.1.8" />)
  expect(field().value).toBe('')
  rerender(<Composer {...props} draftKey={key} />)
  expect(field().value).toBe('For seven')
})

test('a pasted file waits in the tray and goes with the text', () => {
  composer()
  type('Look')
  const file = new File(['x'], 'log.txt', { type: 'text/plain' })
  fireEvent.paste(field(), { clipboardData: { files: [file] } })
  expect(screen.getByTitle('log.txt')).toBeTruthy()
  enter()
  expect(onSend).toHaveBeenCalledExactlyOnceWith('Look', [file])
  expect(screen.queryByTitle('log.txt')).toBeNull()
})

test('a file over the limit says so and is left out', () => {
  composer()
  const file = new File(['x'], 'film.mov')
  Object.defineProperty(file, 'size', { value: 26_214_401 })
  fireEvent.paste(field(), { clipboardData: { files: [file] } })
  expect(screen.getByText('Larger than 25 MB')).toBeTruthy()
  enter()
  expect(onSend).not.toHaveBeenCalled()
})

test('what may not go stays in the field, until it is sent anyway', () => {
  const handle = createRef<ComposerHandle>()
  const mayGo = vi.fn(() => false)
  composer({ mayGo, ref: handle })
  type('Hello')
  enter()
  expect(mayGo).toHaveBeenCalledOnce()
  expect(onSend).not.toHaveBeenCalled()
  expect(field().value).toBe('Hello')
  act(() => handle.current?.send())
  expect(onSend).toHaveBeenCalledExactlyOnceWith('Hello', [])
  expect(field().value).toBe('')
})

test('a text that is brought back stands before what was written since', () => {
  const handle = createRef<ComposerHandle>()
  composer({ ref: handle })
  act(() => handle.current?.bringBack('It leaves today'))
  expect(field().value).toBe('It leaves today')
  type('And')
  act(() => handle.current?.bringBack('It leaves today'))
  expect(field().value).toBe('It leaves today\nAnd')
  expect(readDraft(key)).toBe('It leaves today\nAnd')
})

test('drafts are counted for each account, and forgotten with all that was kept of them', () => {
  writeDraft(draftKey(1, 7), 'one')
  writeDraft(sinceKey(draftKey(1, 7)), '41 e1')
  writeDraft(draftKey(1, 8), '')
  writeDraft(draftKey(2, 7), 'of another account')
  expect(countDrafts(1)).toBe(1)
  forgetDrafts(1)
  expect(countDrafts(1)).toBe(0)
  expect(readDraft(sinceKey(draftKey(1, 7)))).toBe('')
  expect(readDraft(draftKey(2, 7))).toBe('of another account')
})
