/** The head of the card: who answers here, whether anybody is at the desk, and everything that is not the conversation. */
import type { ConnectionState, RoomState, ShownMessage } from '@frontdesk/sdk'
import { AvatarStack, Mark, Menu, type MenuEntry, type Messages, useText } from '@frontdesk/ui'

interface Props {
  room: RoomState | null
  connection: ConnectionState | null
  signedOut: boolean
  menu: MenuEntry[]
}

const faces_max = 2

export function Head({ room, connection, signedOut, menu }: Props) {
  const text = useText()
  const isHere = !signedOut && connection?.status === 'online' && room?.support_online === true
  const people = room ? answering(room.messages) : []
  return (
    <header className="ch">
      {people.length > 0 ? <AvatarStack people={people} online={isHere} /> : <Mark size={36} here={isHere} />}
      <div className="grow">
        <h1>{text.chat.title}</h1>
        <p className="hint clip">{presence(text, room, connection, signedOut)}</p>
      </div>
      <Menu label={text.common.more} entries={menu} />
    </header>
  )
}

/** Those of the desk who wrote last, the latest in front. */
function answering(messages: ShownMessage[]): { id: number; name: string }[] {
  const found = new Map<number, { id: number; name: string }>()
  for (const { sender } of [...messages].reverse()) {
    if (sender.role === 'admin' && !found.has(sender.id)) found.set(sender.id, { id: sender.id, name: sender.name })
    if (found.size === faces_max) break
  }
  return [...found.values()].reverse()
}

function presence(
  { chat, common }: Messages,
  room: Props['room'],
  connection: Props['connection'],
  signedOut: boolean,
) {
  if (signedOut) return common.signed_out
  if (connection?.status === 'offline') return common.offline_short
  if (connection?.status === 'reconnecting') return common.reconnecting
  if (room?.support_online == null) return '\u00a0'
  return room.support_online ? chat.here : chat.away
}
