import type { Message, Room } from '@frontdesk/sdk'
import { describe, expect, test } from 'vitest'
import { preview } from '../src/list/preview'

const message = (rest: Partial<Message> = {}): Message => ({
  id: 1,
  room_id: 7,
  seq: 1,
  sender: { id: 2, name: 'Jonas', role: 'user' },
  message: 'The export stops',
  attachments: [],
  created_at: '2026-01-01T00:00:00.000Z',
  read: false,
  ...rest,
})
const room = (last_message: Message | null): Room => ({
  id: 7,
  user: { id: 2, name: 'Jonas', role: 'user' },
  status: 'open',
  unread_count: 0,
  last_message,
  last_seq: 1,
  online: true,
  last_seen: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
})
const nothing = { typing: false, draft: '', failed: false }

describe('the second line of a row', () => {
  test('says that somebody types before everything else', () => {
    expect(preview(room(message()), { typing: true, draft: 'Hi', failed: true })).toEqual({ kind: 'typing' })
  })

  test('shows a draft before a failure, and a failure before the last message', () => {
    expect(preview(room(message()), { ...nothing, draft: ' Hi\n there ', failed: true })).toEqual({
      kind: 'draft',
      text: 'Hi there',
    })
    expect(preview(room(message()), { ...nothing, failed: true })).toEqual({ kind: 'failed' })
  })

  test('takes white space for no draft', () => {
    expect(preview(room(null), { ...nothing, draft: ' \n ' })).toEqual({ kind: 'empty' })
  })

  test("has no tick on a user's message, and one or two on an admin's", () => {
    const admin = { id: 9, name: 'Ines', role: 'admin' } as const
    expect(preview(room(message()), nothing)).toMatchObject({ tick: null })
    expect(preview(room(message({ sender: admin })), nothing)).toMatchObject({ tick: 'sent' })
    expect(preview(room(message({ sender: admin, read: true })), nothing)).toMatchObject({ tick: 'read' })
  })

  test('tells a picture from a file and keeps its name', () => {
    const file = { id: 1, name: 'invoice.pdf', content_type: 'application/pdf', size: 9, url: '/a' }
    expect(preview(room(message({ message: '', attachments: [file] })), nothing)).toMatchObject({
      file: 'file',
      name: 'invoice.pdf',
      text: '',
    })
    expect(preview(room(message({ attachments: [{ ...file, content_type: 'image/png' }] })), nothing)).toMatchObject({
      file: 'image',
    })
  })

  test('is one line however many were written', () => {
    expect(preview(room(message({ message: 'one\n\n  two' })), nothing)).toMatchObject({ text: 'one two' })
  })
})
