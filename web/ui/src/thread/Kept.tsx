/** What a person wrote for a conversation that is gone: still to be read, copied, or thrown away. */
import type { RoomHandle, RoomState } from '@frontdesk/sdk'
import { useState } from 'react'
import { useDraft, writeDraft } from '../composer/drafts'
import { useText } from '../text/language'

interface Props {
  state: RoomState
  handle: Pick<RoomHandle, 'discard'>
  draftKey: string
}

export function Kept({ state, handle, draftKey }: Props) {
  const { chat } = useText()
  const draft = useDraft(draftKey)
  const unsent = state.messages.filter((message) => message.seq === null)
  if (unsent.length === 0 && draft === '') return null
  return (
    <section className="kept">
      <p>{chat.kept}</p>
      {unsent.map(({ key, message, uploads }) => {
        const words = [message, ...uploads.map((upload) => upload.name)].filter(Boolean).join('\n')
        return <KeptText key={key} text={words} onDelete={() => handle.discard(key)} />
      })}
      {draft !== '' && <KeptText text={draft} onDelete={() => writeDraft(draftKey, '')} />}
    </section>
  )
}

function KeptText({ text, onDelete }: { text: string; onDelete: () => void }) {
  const { chat } = useText()
  const [copied, setCopied] = useState(false)
  // Browsers have no clipboard where the connection is not secure; the text can be selected all the same.
  const copy = navigator.clipboard && (() => void navigator.clipboard.writeText(text).then(() => setCopied(true)))
  return (
    <div>
      <div className="bub" dir="auto">
        {text}
      </div>
      <div className="foot">
        {copy && (
          <button type="button" className="textlink" onClick={copy}>
            {copied ? chat.copied : chat.copy}
          </button>
        )}
        <button type="button" className="textlink" onClick={onDelete}>
          {chat.delete}
        </button>
      </div>
    </div>
  )
}
