/** The sheet while no room is open: whether anything waits, and how to get there. */
import { Mark } from '@frontdesk/ui'
import { useConsoleText } from '../text'
import './room.css'

export function NoRoom({ unread }: { unread: number }) {
  const text = useConsoleText()
  const tips: [string[], string][] = [
    [['J', 'K'], text.tip_next],
    [['/'], text.tip_search],
    [['?'], text.tip_help],
  ]
  return (
    <div className="blank">
      <div className="empty">
        <span className="bare-mark">
          <Mark size={56} />
        </span>
        <h2>{unread > 0 ? text.pick : text.quiet}</h2>
        <p>{unread > 0 ? text.pick_text(unread) : text.quiet_text}</p>
        <ul className="tips">
          {tips.map(([keys, words]) => (
            <li key={words}>
              <span className="keys">
                {keys.map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </span>
              {words}
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}
