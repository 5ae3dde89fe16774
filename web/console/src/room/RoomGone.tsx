/** A room that the server does not know, or no longer. */
import type { ReactNode } from 'react'
import { useConsoleText } from '../text'
import './room.css'

interface Props {
  phone: boolean
  onBack(): void
  /** What was written for it. */
  children: ReactNode
}

export function RoomGone({ phone, onBack, children }: Props) {
  const text = useConsoleText()
  const Heading = phone ? 'h1' : 'h2'
  return (
    <div className="blank" data-pane="room">
      <div className="empty">
        <div role="alert">
          <Heading>{text.room_gone}</Heading>
        </div>
        {children}
        <button type="button" className="btn" onClick={onBack}>
          {text.back_to_inbox}
        </button>
      </div>
    </div>
  )
}
