/** The line over a conversation: whose it is, who else looks at it, and what can be done with the whole of it. */

import type { Room, RoomState } from '@frontdesk/sdk'
import { Avatar, Icon, IconButton } from '@frontdesk/ui'
import { type ConsoleText, useConsoleText } from '../text'
import { othersHere } from './names'
import { presenceWords } from './presence'

export interface RoomHeadProps {
  room: Room
  state: RoomState
  detailsOpen: boolean
  phone: boolean
  onBack(): void
  onStatus(room: Room): void
  onDetails(): void
}

export function RoomHead({ room, state, detailsOpen, phone, onBack, onStatus, onDetails }: RoomHeadProps) {
  const text = useConsoleText()
  // Alone on a phone's screen, it is the page's heading.
  const Heading = phone ? 'h1' : 'h2'
  const verb = room.status === 'open' ? text.resolve : text.reopen
  const icon = room.status === 'open' ? 'done' : 'retry'
  return (
    <header className="room-head">
      {phone && <IconButton icon="back" label={text.back_to_inbox} onClick={onBack} />}
      <Avatar id={room.user.id} name={room.user.name} size={36} presence={room.online ? 'online' : null} />
      <div className="grow">
        <Heading className="clip" dir="auto">
          {room.user.name}
        </Heading>
        <p className="hint clip">{presenceWords(room, text)}</p>
      </div>
      <OthersHere state={state} />
      {phone ? (
        <IconButton icon={icon} label={verb} onClick={() => onStatus(room)} />
      ) : (
        <button type="button" className="btn" onClick={() => onStatus(room)}>
          <Icon name={icon} size={16} />
          {verb}
        </button>
      )}
      <IconButton
        icon="panel"
        label={text.details}
        aria-expanded={detailsOpen}
        data-details-toggle
        onClick={onDetails}
      />
    </header>
  )
}

function OthersHere({ state }: { state: RoomState }) {
  const text = useConsoleText()
  const others = othersHere(state)
  const [first] = others
  if (!first) return null
  return (
    <div className="others" role="status">
      {first.name !== null && <Avatar id={first.user_id} name={first.name} size={24} />}
      <span className="hint">{othersWords(others, text)}</span>
    </div>
  )
}

function othersWords(others: { name: string | null }[], text: ConsoleText): string {
  if (others.length > 1) return text.others_here(others.length)
  const name = others[0]?.name
  return name ? text.is_here(name) : text.another_here
}
