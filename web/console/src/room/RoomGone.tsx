/** A room that the server does not know, or no longer. */
import { useConsoleText } from '../text'
import './room.css'

export function RoomGone({ phone, onBack }: { phone: boolean; onBack(): void }) {
  const text = useConsoleText()
  const Heading = phone ? 'h1' : 'h2'
  return (
    <div className="blank" data-pane="room">
      <div className="empty" role="alert">
        <Heading>{text.room_gone}</Heading>
        <button type="button" className="btn" onClick={onBack}>
          {text.back_to_inbox}
        </button>
      </div>
    </div>
  )
}
