/** How far an own message has come. Each mark has its words for screen readers and on hover. */
import type { SendState } from '@frontdesk/sdk'
import { Icon } from '../Icon'
import { useText } from '../text/language'

const paths = {
  sent: 'M3.4 6.5l2.7 2.8 5.2-6.2',
  delivered: 'M1.4 6.5l2.7 2.8 5.2-6.2M8.4 9l.3.3 5.9-6.2',
  read: 'M1.4 6.5l2.7 2.8 5.2-6.2M8.4 9l.3.3 5.9-6.2',
} as const

export function Ticks({ state }: { state: SendState }) {
  const { chat } = useText()
  if (state === 'failed') return null
  const words = chat[`tick_${state}`]
  return (
    <span className={`tick ${state}`} title={words}>
      {state === 'queued' || state === 'sending' ? (
        <Icon name="clock" size={14} />
      ) : (
        <svg viewBox="0 0 16 12" aria-hidden="true">
          <path d={paths[state]} />
        </svg>
      )}
      <span className="sr">{words}</span>
    </span>
  )
}
