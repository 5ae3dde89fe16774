/** What the second line of a row says: the first that applies of typing, draft, failure, last message. Pure. */
import type { Attachment, Message, Room } from '@frontdesk/sdk'

export type Preview =
  | { kind: 'typing' }
  | { kind: 'draft'; text: string }
  | { kind: 'failed' }
  | { kind: 'message'; text: string; tick: 'sent' | 'read' | null; file: 'image' | 'file' | null; name: string | null }
  | { kind: 'empty' }

export interface RowHints {
  typing: boolean
  draft: string
  failed: boolean
}

export function preview(room: Room, hints: RowHints): Preview {
  if (hints.typing) return { kind: 'typing' }
  const draft = oneLine(hints.draft)
  if (draft) return { kind: 'draft', text: draft }
  if (hints.failed) return { kind: 'failed' }
  return room.last_message ? said(room.last_message) : { kind: 'empty' }
}

function said(message: Message): Preview {
  const [first] = message.attachments
  return {
    kind: 'message',
    text: oneLine(message.message),
    // Admins answer as one team: a colleague's answer has its tick too.
    tick: message.sender.role === 'user' ? null : message.read ? 'read' : 'sent',
    file: first ? fileKind(first) : null,
    name: first?.name ?? null,
  }
}

function fileKind(file: Attachment): 'image' | 'file' {
  return file.content_type.startsWith('image/') ? 'image' : 'file'
}

/** A row has one line, and a long message need not be cut by the browser. */
export function oneLine(text: string): string {
  return text.slice(0, 200).replace(/\s+/g, ' ').trim()
}
