/** Said before a reply goes out that its writer might want to change: the user wrote more meanwhile. */
import { Banner, firstName, useText } from '@frontdesk/ui'
import { useConsoleText } from '../text'
import type { StaleReply } from './useStaleReply'

export function StaleBanner({ name, count, show, sendAnyway }: { name: string } & StaleReply) {
  const text = useConsoleText()
  const { chat } = useText()
  const actions = (
    <>
      <button type="button" className="btn small" onClick={show}>
        {text.stale_show}
      </button>
      <button type="button" className="btn small ghost" onClick={sendAnyway}>
        {chat.send_anyway}
      </button>
    </>
  )
  return (
    <Banner kind="info" icon="alert" action={actions}>
      {text.stale(firstName(name), count)}
    </Banner>
  )
}
