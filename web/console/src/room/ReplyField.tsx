/** The composer as the console uses it: taller, with the admin's own choice of the key that sends, and a word before a reply that is behind. */

import { Composer, type ComposerHandle, draftKey, RoomBanner, useDraft } from '@frontdesk/ui'
import { type RefObject, useState } from 'react'
import { useSendKey } from '../settings/Settings'
import { keyNames, useConsoleText } from '../text'
import { StaleBanner } from './StaleBanner'
import type { OpenRoom } from './useOpenRoom'
import { useStaleReply } from './useStaleReply'

export interface ReplyFieldProps {
  open: OpenRoom
  /** The session was ended from outside. */
  signedOut: boolean
  onSignIn(): void
  name: string
  meId: number
  max: number
  touch: boolean
  /** On opening the room. */
  focus: boolean
  composer: RefObject<ComposerHandle | null>
}

export function ReplyField({ open, name, meId, max, touch, focus, composer, ...session }: ReplyFieldProps) {
  const { handle, state } = open
  const text = useConsoleText()
  // Said once: a layer that closes later gives the focus back to where it was.
  const [focusFirst] = useState(focus)
  const [sendKey] = useSendKey()
  const key = draftKey(meId, handle.room_id)
  const draft = useDraft(key)
  const stale = useStaleReply(open, key, composer)
  const sendHint = sendKey === 'enter' ? text.enter_sends : text.mod_enter_sends(keyNames.mod)
  return (
    <>
      <RoomBanner room={state} {...session}>
        {stale.count > 0 && <StaleBanner name={name} {...stale} />}
      </RoomBanner>
      <Composer
        ref={composer}
        look="desk"
        label={text.reply_to(name)}
        placeholder={text.reply_to(name)}
        draftKey={key}
        max={max}
        // A finger has no Ctrl key.
        sendWith={sendKey === 'enter' || touch ? 'enter' : 'mod+enter'}
        autoFocus={focusFirst}
        onSend={(message, files) => {
          if (files.length > 0) handle.sendFiles(files, message)
          else handle.send(message, stale.known())
        }}
        mayGo={stale.mayGo}
        onTyping={handle.typing}
        hint={[draft ? text.draft_saved : '', touch ? '' : sendHint].filter(Boolean).join(' · ')}
      />
    </>
  )
}
