/** Floats under the head and says how the connection is: nothing while it is well, offline at once, lost after 2 s. */
import type { ConnectionState } from '@frontdesk/sdk'
import { useEffect, useState } from 'react'
import { Icon } from '../Icon'
import { useText } from '../text/language'
import './feedback.css'
import { useNow } from './useNow'

const lost_after_ms = 2000
const connected_for_ms = 2000
/** A wait worth offering to cut short. */
const retry_offered_ms = 3000

export interface ConnectionPillProps {
  connection: ConnectionState
  /** Messages that have not been sent. */
  waiting: number
  onRetry: () => void
}

type Shown = 'none' | 'offline' | 'connecting' | 'reconnecting' | 'connected'

function useShown({ status, since }: ConnectionState): Shown {
  const [troubled, setTroubled] = useState(false)
  const passing = status === 'connecting' || status === 'reconnecting' || (status === 'online' && troubled)
  // Without its sign, so that a clock that was set back does not silence it.
  const lasted = Math.abs(useNow(passing ? 500 : null) - since)
  const shown: Shown =
    status === 'offline'
      ? 'offline'
      : status === 'connecting' || status === 'reconnecting'
        ? lasted >= lost_after_ms || troubled
          ? status
          : 'none'
        : status === 'online' && troubled && lasted < connected_for_ms
          ? 'connected'
          : 'none'
  useEffect(() => {
    if (shown === 'offline' || shown === 'connecting' || shown === 'reconnecting') setTroubled(true)
    if (shown === 'none') setTroubled(false)
  }, [shown])
  return shown
}

export function ConnectionPill({ connection, waiting, onRetry }: ConnectionPillProps) {
  const { common } = useText()
  const shown = useShown(connection)
  const now = useNow(shown === 'reconnecting' ? 1000 : null)
  const longWait = connection.retryAt !== null && connection.retryAt - now > retry_offered_ms
  return (
    <div className="connw" role="status" aria-live="polite">
      {shown === 'offline' && (
        <span className="conn">
          <Icon name="offline" size={16} />
          {waiting > 0 ? common.offline_waiting(waiting) : common.offline}
        </span>
      )}
      {(shown === 'connecting' || shown === 'reconnecting') && (
        <span className="conn">
          <i className="spin" />
          {common[shown]}
          {longWait && (
            <button type="button" className="textlink" onClick={onRetry}>
              {common.try_now}
            </button>
          )}
        </span>
      )}
      {shown === 'connected' && (
        <span className="conn ok">
          <Icon name="check" size={16} />
          {common.connected}
        </span>
      )}
    </div>
  )
}
