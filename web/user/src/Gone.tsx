/** In place of a conversation that is not there any more: what was written for it is kept, and the way back. */
import type { RoomHandle, RoomState } from '@frontdesk/sdk'
import { Kept, useText } from '@frontdesk/ui'

interface Props {
  state: RoomState
  handle: Pick<RoomHandle, 'discard'>
  draftKey: string
  onBack: () => void
}

export function Gone({ onBack, ...kept }: Props) {
  const { chat } = useText()
  return (
    <div className="empty gone">
      <h2>{chat.gone}</h2>
      <Kept {...kept} />
      <button type="button" className="btn primary" onClick={onBack}>
        {chat.gone_back}
      </button>
    </div>
  )
}
