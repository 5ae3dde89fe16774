/** The lines between groups: days, the first unread message, what happened to the conversation. */
import { useText } from '../text/language'
import { dayLabel } from '../text/time'

export function DayLine({ at }: { at: string }) {
  return (
    <div className="day" data-day={at}>
      <time dateTime={at.slice(0, 10)}>{dayLabel(at)}</time>
    </div>
  )
}

export function NewLine() {
  const { chat } = useText()
  return (
    <div className="day new" data-new>
      <span>{chat.new_messages}</span>
    </div>
  )
}

export function StatusLine({ words }: { words: string }) {
  return (
    <div className="sys">
      <span>{words}</span>
    </div>
  )
}
