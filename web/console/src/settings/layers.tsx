/** Where settings and account appear: beside the rail, or as a page of their own on a phone. */

import type { User } from '@frontdesk/sdk'
import { useText } from '@frontdesk/ui'
import { accountPopover, settingsPopover } from '../rail/Rail'
import { useConsoleText } from '../text'
import { Account } from './Account'
import { Settings } from './Settings'
import './settings.css'

export interface LayerProps {
  me: User
  touch: boolean
  onSignOut(all: boolean): void
}

/** Native popovers: a press elsewhere or Esc closes them, and focus goes back to the button. */
export function SettingsPopovers({ me, touch, onSignOut }: LayerProps) {
  const text = useConsoleText()
  return (
    <>
      <section className="popover" id={settingsPopover} popover="auto" aria-label={text.settings}>
        <h2>{text.settings}</h2>
        <Settings touch={touch} />
      </section>
      <section className="popover" id={accountPopover} popover="auto" aria-label={text.account(me.name)}>
        <Account me={me} onSignOut={onSignOut} />
      </section>
    </>
  )
}

export function You({ me, touch, onSignOut }: LayerProps) {
  const { common } = useText()
  return (
    <main className="you" aria-label={common.you}>
      <h1>{common.you}</h1>
      <Account me={me} onSignOut={onSignOut} />
      <Settings touch={touch} />
    </main>
  )
}
