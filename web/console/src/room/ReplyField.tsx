/** The composer as the console uses it: taller, with the admin's own choice of the key that sends. */

import type { RoomHandle } from '@frontdesk/sdk'
import { Composer, type ComposerHandle, draftKey, useDraft } from '@frontdesk/ui'
import { type Ref, useState } from 'react'
import { useSendKey } from '../settings/Settings'
import { keyNames, useConsoleText } from '../text'

export interface ReplyFieldProps {
  handle: RoomHandle
  name: string
  meId: number
  max: number
  touch: boolean
  /** On opening the room. */
  focus: boolean
  composer: Ref<ComposerHandle>
}

export function ReplyField({ handle, name, meId, max, touch, focus, composer }: ReplyFieldProps) {
  const text = useConsoleText()
  // Said once: a layer that closes later gives the focus back to where it was.
  const [focusFirst] = useState(focus)
  const [sendKey] = useSendKey()
  const key = draftKey(meId, handle.room_id)
  const draft = useDraft(key)
  const sendHint = sendKey === 'enter' ? text.enter_sends : text.mod_enter_sends(keyNames.mod)
  return (
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
        else handle.send(message)
      }}
      onTyping={handle.typing}
      hint={[draft ? text.draft_saved : '', touch ? '' : sendHint].filter(Boolean).join(' · ')}
    />
  )
}
