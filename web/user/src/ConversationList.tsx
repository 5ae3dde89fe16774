/** The user's conversations: in the column, or in a dialog where there is no column. */
import type { Message, Room, User } from '@frontdesk/sdk'
import { clockOrDate, Dialog, firstName, type Messages, shortDate, useText } from '@frontdesk/ui'

export interface ConversationListProps {
  rooms: Room[]
  /** The one on the screen. */
  current: number | null
  user: User
  onPick?: () => void
}

export function ConversationList({ rooms, current, user, onPick }: ConversationListProps) {
  const text = useText()
  return (
    <ul className="rms">
      {rooms.map((room) => (
        <li key={room.id}>
          <a
            className="rm"
            href={`#/conversations/${room.id}`}
            aria-current={room.id === current ? 'page' : undefined}
            onClick={onPick}
          >
            <b className="clip">{text.chat.conversation_of(shortDate(room.created_at))}</b>
            <time dateTime={room.updated_at}>{clockOrDate(room.updated_at)}</time>
            <span className="clip" dir="auto">
              {preview(text, room, user)}
            </span>
            {room.unread_count > 0 && room.id !== current && (
              <span className="pill" title={text.chat.unread(room.unread_count)}>
                {room.unread_count > 9 ? '9+' : room.unread_count}
              </span>
            )}
          </a>
        </li>
      ))}
    </ul>
  )
}

function preview({ common, chat }: Messages, room: Room, user: User): string {
  if (!room.last_message) return chat.no_message
  const { sender } = room.last_message
  const name = sender.id === user.id ? common.you : firstName(sender.name)
  const line = chat.last_by(name, contents(room.last_message))
  return room.status === 'resolved' ? `${chat.resolved} · ${line}` : line
}

const contents = (message: Message) => message.message.replace(/\s+/g, ' ') || (message.attachments[0]?.name ?? '')

export function ConversationsDialog({ onClose, ...list }: ConversationListProps & { onClose: () => void }) {
  const { chat } = useText()
  return (
    <Dialog title={chat.conversations} onClose={onClose}>
      <ConversationList {...list} onPick={onClose} />
    </Dialog>
  )
}
